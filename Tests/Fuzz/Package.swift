// swift-tools-version: 6.2
import PackageDescription

/// The fuzzer is a package of its own, so that nothing of it is part of a normal build.
///
/// `deploy/fuzz` builds it with `--sanitize fuzzer`. What it drives is the module `Fuzzing` of the
/// package around it.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "pleiad", path: "../..")],
    targets: [
        // libFuzzer's interface, and a count of the memory that is held.
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [.product(name: "PleiadFuzzing", package: "pleiad"), "CFuzzer"],
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .enableExperimentalFeature("Lifetimes"),
            ]),
    ]
)
