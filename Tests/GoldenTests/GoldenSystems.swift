/// The systems whose reference values are checked: one line a method of the registry.
let goldenSystems = [
    GoldenSystem(name: "mlcd", kinds: mlcdGoldenKinds),
    GoldenSystem(name: "contrastive", kinds: contrastiveGoldenKinds),
]
