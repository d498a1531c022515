/// PyTorch at the same work: eager, compiled, and the faster of the two with an allocator that
/// keeps its memory.
struct Rivals {
    private static let eager = "eager"
    private static let compiled = "compiled"
    private static let keeping = "keeping memory"

    /// glibc then neither maps large blocks anew for each tensor nor gives memory back.
    private static let keepingMemory = [
        "MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000",
        "MALLOC_TOP_PAD_": "100000000",
    ]

    private let peers: [(name: String, peer: Peer)]
    private let keptVariant: String

    /// Starts the peers and waits until each is compiled and warm.
    init(_ item: StepCase, python: String, threads: Int) throws {
        let arguments = item.peer.arguments + ["--threads", "\(threads)"]
        let variants = [Self.eager: [], Self.compiled: ["--compile"]]
        let start = { (variant: String, environment: [String: String]) in
            try Peer(
                python: python, script: item.peer.script,
                arguments: arguments + (variants[variant] ?? []), environment: environment)
        }
        let compiled = try start(Self.compiled, [:])
        let eager = try start(Self.eager, [:])
        try eager.awaitReady()
        try compiled.awaitReady()
        let times = try [eager, compiled].map { median(try $0.run(3)) }
        keptVariant = times[0] <= times[1] ? Self.eager : Self.compiled
        let kept = try start(keptVariant, Self.keepingMemory)
        try kept.awaitReady()
        peers = [(Self.eager, eager), (Self.compiled, compiled), (Self.keeping, kept)]
    }

    /// For the turns.
    var entrants: [Entrant] {
        peers.map { name, peer in Entrant(name: name) { try peer.run($0) } }
    }

    /// Ends the processes.
    func end() {
        for (_, peer) in peers { peer.end() }
    }

    /// Enters the peers' figures.
    func add(
        to line: inout CaseLine, seconds: [String: Double], ours: Double, batch: Double
    ) {
        guard let eager = seconds[Self.eager], let compiled = seconds[Self.compiled],
            let kept = seconds[Self.keeping], let name = peers.first?.peer.name
        else { return }
        let best = min(eager, compiled)
        line.set("peer", "\(name), \(eager <= compiled ? Self.eager : Self.compiled)")
        line.set("peer_images_per_second", batch / best)
        line.set("ratio", best / ours)
        line.set("peer_eager_images_per_second", batch / eager)
        line.set("peer_compiled_images_per_second", batch / compiled)
        line.set("peer_keeping_memory", keptVariant)
        line.set("peer_keeping_memory_images_per_second", batch / kept)
    }
}
