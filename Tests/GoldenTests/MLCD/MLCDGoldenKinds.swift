/// The kinds of MLCD's reference values (MLCD sheet; `make_mlcd.py`).
let mlcdGoldenKinds: [GoldenKind] = [
    GoldenKind("kmeans", checkKMeans),
    GoldenKind("labels", checkLabels),
    GoldenKind("draw", checkDraw),
    GoldenKind("loss_mlcd", checkClassification),
    GoldenKind("loss_mlcd_literal", checkClassification),
    GoldenKind("loss_mlc", checkClassification),
    GoldenKind("ambiguity", checkAmbiguity),
    GoldenKind("softmax_arcface", checkClassification),
    GoldenKind("softmax_cosface", checkClassification),
    GoldenKind("sharded_mlcd", checkShardedMLCD),
    GoldenKind("sharded_softmax", checkShardedSoftmax),
    GoldenKind("optimizer_sgd_rows", checkRowOptimizer),
    GoldenKind("optimizer_adamw_rows", checkRowOptimizer),
    GoldenKind("schedules", checkSchedules),
    GoldenKind("steps", checkSteps),
    GoldenKind("knn", checkNearestNeighbours),
    GoldenKind("linear_probe", checkLinearProbe),

    // Claimed; the parts that they check belong to the next stage of MLCD.
    .deferred("softmax_arcface_features"),
    .deferred("softmax_parallel"),
    .deferred("optimizer_sgd_dense"),
    .deferred("optimizer_adamw_dense"),
    .deferred("retrieval"),
    .deferred("lit"),
    .deferred("zero_shot"),
]
