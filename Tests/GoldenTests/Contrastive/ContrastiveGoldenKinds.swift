/// The kinds of the reference values of instance discrimination (sheet contrastive;
/// `make_contrastive.py`).
let contrastiveGoldenKinds: [GoldenKind] = [
    GoldenKind("contrastive", checkInstanceLoss),
    GoldenKind("simple", checkInstanceLoss),
    GoldenKind("hard", checkInstanceLoss),
    GoldenKind("hard_formula", checkInstanceLoss),
    GoldenKind("hardsimple", checkInstanceLoss),
    GoldenKind("extreme", checkInstanceLoss),
    GoldenKind("hard_selection", checkHardSelection),
    GoldenKind("hardness", checkHardness),
    GoldenKind("limits", checkTemperatureLimits),
    GoldenKind("metrics", checkContrastiveMetrics),
    GoldenKind("knn", checkNeighbourScores),
    GoldenKind("bank_update", checkBankUpdate),
    GoldenKind("nce", checkNoiseContrastive),
    GoldenKind("infonce_sampled", checkDrawnSoftmax),
    GoldenKind("moco_queue", checkMomentumQueue),
    GoldenKind("steps", checkContrastiveSteps),
    GoldenKind("schedules", checkContrastiveSchedules),
]
