// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target: memory safety is checked, warnings are errors, imports are internal.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

#if arch(x86_64)
    /// AVX2 and FMA for the kernels; `NumericsEnvironment` checks the processor at start-up.
    let vectorFlags: [String] = [
        "-Xcc", "-march=haswell", "-Xfrontend", "-target-cpu", "-Xfrontend", "haswell",
    ]
#else
    let vectorFlags: [String] = []
#endif

/// Numeric targets are optimised in debug builds too: a plain loop is 40 times slower without.
let numeric: [SwiftSetting] =
    strict + [
        .unsafeFlags(vectorFlags),
        .unsafeFlags(["-O"], .when(configuration: .debug)),
    ]

/// Thousands of simulated runs are tests, too.
let simulated: [SwiftSetting] =
    strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
    name: "pleiad",
    products: [
        .executable(name: "pleiad", targets: ["pleiad"]),
        // What Tests/Benchmarks, a package of its own, measures; no part of the program.
        .library(
            name: "PleiadModules",
            targets: [
                "Buffers", "Wire", "Transport", "Threads", "Kernels", "Tensors", "Networks",
                "Objectives", "Optimizers", "Messages", "Identity", "Datasets", "Storage",
                "Clustering", "Tables",
            ]),
        // What Tests/Fuzz, a package of its own, drives.
        .library(name: "PleiadFuzzing", targets: ["Fuzzing"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System libraries
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas"),
        .systemLibrary(name: "CNNG"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CPNG"),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto"),
        .target(name: "CInstructions"),
        .target(
            name: "CWideKernels",
            cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),

        // Memory, bytes and sockets
        .target(
            name: "CChecksum",
            cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
        .target(
            name: "Buffers", dependencies: ["CMalloc", "CChecksum"], swiftSettings: numeric),
        .target(name: "Identity", dependencies: ["CCrypto"], swiftSettings: numeric),
        .target(name: "Keys", dependencies: ["Identity"], swiftSettings: strict),
        .target(name: "Wire", dependencies: ["Buffers"], swiftSettings: numeric),
        .target(
            name: "Transport", dependencies: ["Wire", "Buffers", "CNNG"], swiftSettings: strict),

        .target(name: "Threads", swiftSettings: strict),

        // Numbers
        .target(
            name: "Kernels",
            dependencies: ["Buffers", "Threads", "COpenBLAS", "CInstructions", "CWideKernels"],
            swiftSettings: numeric),
        .target(
            name: "Tensors", dependencies: ["Kernels", "Buffers", "Threads"],
            swiftSettings: numeric),
        .target(
            name: "Networks", dependencies: ["Tensors", "Kernels", "Buffers", "Threads"],
            swiftSettings: numeric),
        .target(
            name: "Objectives", dependencies: ["Tensors", "Kernels", "Buffers"],
            swiftSettings: numeric),
        .target(
            name: "Optimizers", dependencies: ["Tensors", "Kernels", "Threads"],
            swiftSettings: numeric),

        // Data, files and tables
        .target(
            name: "Datasets", dependencies: ["Tensors", "Kernels", "Identity", "CZlib"],
            swiftSettings: numeric),
        .target(
            name: "Storage", dependencies: ["Tensors", "Identity", "Buffers", "Threads"],
            swiftSettings: numeric),
        .target(
            name: "Tables",
            dependencies: [
                "Kernels", "Tensors", "Buffers", "Objectives", "Optimizers", "Storage", "Threads",
            ],
            swiftSettings: numeric),
        .target(
            name: "Clustering",
            dependencies: ["Kernels", "Tensors", "Storage", "Identity", "Buffers", "Threads"],
            swiftSettings: numeric),
        .target(
            name: "Evaluation",
            dependencies: ["Tensors", "Kernels", "Networks", "Datasets", "Storage", "Threads"],
            swiftSettings: numeric),
        .target(
            name: "RunFiles", dependencies: [.product(name: "Yams", package: "Yams")],
            swiftSettings: strict),

        // Methods
        .target(
            name: "Methods",
            dependencies: [
                "Buffers", "Tensors", "Networks", "Objectives", "Optimizers", "Tables", "Datasets",
                "Clustering", "Evaluation", "RunFiles", "Storage", "Identity", "Threads",
            ], swiftSettings: numeric),

        // What a state directory proves, from its files alone
        .target(
            name: "Verification",
            dependencies: [
                "Buffers", "Tensors", "Networks", "Datasets", "Methods", "RunFiles", "Storage",
                "Identity",
            ], swiftSettings: strict),

        // What a run has learnt, made visible
        .target(name: "Plots", swiftSettings: strict),
        .target(
            name: "Inspection",
            dependencies: [
                "Kernels", "Tensors", "Networks", "Datasets", "Evaluation", "Clustering", "Tables",
                "Methods", "RunFiles", "Storage", "Identity", "Threads", "Plots", "CPNG",
            ], swiftSettings: numeric),

        // Coordinator, workers, clients
        .target(
            name: "Messages",
            dependencies: ["Wire", "Tensors", "Optimizers", "Identity", "Buffers"],
            swiftSettings: simulated),
        .target(
            name: "CoordinatorCore", dependencies: ["Messages", "Optimizers", "Identity"],
            swiftSettings: simulated),
        .target(
            name: "CoordinatorDaemon",
            dependencies: [
                "CoordinatorCore", "Messages", "Wire", "Transport", "Buffers", "Tensors",
                "Networks",
                "Datasets", "Clustering", "Evaluation", "Methods", "Optimizers", "Storage",
                "RunFiles", "Identity", "Threads",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .target(
            name: "WorkerCore",
            dependencies: [
                "Messages", "Wire", "Transport", "Tensors", "Optimizers", "Datasets", "Methods",
                "RunFiles", "Storage", "Identity", "Threads",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .target(
            name: "Client", dependencies: ["Messages", "Transport", "Identity", "Keys"],
            swiftSettings: strict),

        // The whole system under faults
        .target(
            name: "Processes",
            dependencies: [
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .target(
            name: "Drill",
            dependencies: [
                "Processes", "CoordinatorDaemon", "Client", "Methods", "RunFiles", "Storage",
                "Transport", "Identity", "Keys",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        // Many runs, compared
        .target(
            name: "Sweeps",
            dependencies: [
                "Processes", "CoordinatorDaemon", "Evaluation", "Inspection", "Plots", "Methods",
                "RunFiles", "Storage",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "pleiad",
            dependencies: [
                "Drill", "Processes", "Plots", "Sweeps",
                "CoordinatorDaemon", "WorkerCore", "Client", "Messages", "Methods", "Evaluation",
                "Clustering", "Datasets", "Kernels", "Tensors", "RunFiles", "Storage",
                "Transport", "Identity", "Keys", "Verification", "Inspection", "Tables", "Threads",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),

        // Tests
        .testTarget(name: "BuffersTests", dependencies: ["Buffers"], swiftSettings: strict),
        .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: strict),
        .testTarget(name: "IdentityTests", dependencies: ["Identity"], swiftSettings: strict),
        .testTarget(name: "KeysTests", dependencies: ["Keys", "Identity"], swiftSettings: strict),
        .testTarget(name: "WireTests", dependencies: ["Wire", "Buffers"], swiftSettings: strict),
        .testTarget(
            name: "TransportTests", dependencies: ["Transport", "Wire", "Buffers", "Identity"],
            swiftSettings: strict),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "Buffers"], swiftSettings: numeric),
        .testTarget(
            name: "TensorsTests", dependencies: ["Tensors", "Kernels", "Buffers"],
            exclude: ["Fixtures"], swiftSettings: numeric),
        .testTarget(
            name: "NetworksTests", dependencies: ["Networks", "Tensors", "Storage", "Buffers"],
            exclude: ["Fixtures"], swiftSettings: numeric),
        .testTarget(
            name: "ObjectivesTests", dependencies: ["Objectives", "Tensors", "Kernels"],
            swiftSettings: numeric),
        .testTarget(
            name: "OptimizersTests", dependencies: ["Optimizers", "Tensors", "Storage"],
            swiftSettings: numeric),
        .testTarget(
            name: "DatasetsTests", dependencies: ["Datasets", "Tensors", "Identity", "Kernels"],
            swiftSettings: numeric),
        .testTarget(
            name: "StorageTests", dependencies: ["Storage", "Tensors", "Identity", "Buffers"],
            swiftSettings: numeric),
        .testTarget(
            name: "TablesTests",
            dependencies: [
                "Tables", "Objectives", "Optimizers", "Tensors", "Kernels", "Buffers", "Storage",
            ],
            swiftSettings: numeric),
        .testTarget(
            name: "ClusteringTests", dependencies: ["Clustering", "Tensors", "Storage", "Kernels"],
            swiftSettings: numeric),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Datasets", "Networks", "Storage", "Tensors", "Kernels",
            ],
            swiftSettings: numeric),
        .testTarget(name: "RunFilesTests", dependencies: ["RunFiles"], swiftSettings: strict),
        .testTarget(
            name: "MethodsTests",
            dependencies: [
                "Methods", "Networks", "Objectives", "Optimizers", "Tables", "Datasets",
                "Clustering", "Evaluation", "RunFiles", "Storage", "Tensors", "Identity", "Kernels",
                "Buffers",
            ],
            swiftSettings: numeric),
        .testTarget(
            name: "GoldenTests",
            dependencies: [
                "Methods", "Networks", "Objectives", "Optimizers", "Tables", "Clustering",
                "Evaluation", "Storage", "Tensors", "Kernels", "Datasets", "RunFiles", "Buffers",
            ],
            resources: [.copy("Fixtures")], swiftSettings: numeric),
        .testTarget(
            name: "MessagesTests",
            dependencies: ["Messages", "Wire", "Tensors", "Optimizers", "Identity", "Buffers"],
            swiftSettings: strict),
        .testTarget(
            name: "CoordinatorCoreTests",
            dependencies: ["CoordinatorCore", "Messages", "Optimizers", "Identity", "Storage"],
            swiftSettings: strict),
        .testTarget(
            name: "WorkerCoreTests",
            dependencies: [
                "WorkerCore", "Client", "Messages", "Wire", "Transport", "Tensors", "Optimizers",
                "Datasets", "Methods", "RunFiles", "Identity", "Threads", "Networks", "Drill",
                "Buffers",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .testTarget(
            name: "DrillTests",
            dependencies: ["Drill", "Processes", "CoordinatorDaemon", "Storage"],
            swiftSettings: strict),
        .testTarget(
            name: "CoordinatorDaemonTests",
            dependencies: [
                "CoordinatorDaemon", "CoordinatorCore", "Messages", "Methods", "RunFiles",
                "Storage", "Datasets", "Networks", "Optimizers", "Tensors", "Identity",
                "Clustering", "Evaluation",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .target(
            name: "Simulation",
            dependencies: [
                "CoordinatorCore", "WorkerCore", "Messages", "Wire", "Buffers", "Optimizers",
                "Tensors", "Identity", "Storage",
            ], path: "Tests/Simulation", swiftSettings: simulated),
        .executableTarget(
            name: "pleiad-simulate",
            dependencies: [
                "Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Tests/pleiad-simulate", swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Simulation", "CoordinatorCore", "Messages", "Identity"],
            swiftSettings: strict),
        .testTarget(
            name: "VerificationTests",
            dependencies: [
                "Verification", "Methods", "Networks", "RunFiles", "Storage", "Datasets", "Tensors",
                "Identity",
            ], swiftSettings: strict),
        .testTarget(name: "PlotsTests", dependencies: ["Plots"], swiftSettings: strict),
        .testTarget(
            name: "SweepsTests",
            dependencies: ["Sweeps", "RunFiles", "Plots", "Inspection", "Evaluation"],
            swiftSettings: strict),
        .testTarget(
            name: "InspectionTests",
            dependencies: [
                "Inspection", "Plots", "Methods", "Networks", "Datasets", "Evaluation",
                "Clustering",
                "Tables", "Optimizers", "RunFiles", "Storage", "Tensors", "Identity", "CPNG",
            ], swiftSettings: numeric),
        .target(
            name: "Fuzzing",
            dependencies: [
                "Wire", "Messages", "Buffers", "Tensors", "Optimizers", "Storage", "Datasets",
                "RunFiles", "Methods", "Verification", "Identity", "Transport",
            ], path: "Tests/Fuzzing", swiftSettings: simulated),
        .testTarget(
            name: "FuzzingTests", dependencies: ["Fuzzing"], exclude: ["Cases"],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
        .testTarget(name: "SystemTests", swiftSettings: strict),
    ]
)
