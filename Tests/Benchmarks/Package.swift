// swift-tools-version: 6.2
import PackageDescription

/// The benchmarks are a package of their own, so that nothing of theirs is part of a normal build;
/// what they measure is the library product `PleiadModules` of the package around them.
#if arch(x86_64)
    let vectorFlags: [String] = [
        "-Xcc", "-march=haswell", "-Xfrontend", "-target-cpu", "-Xfrontend", "haswell",
    ]
#else
    let vectorFlags: [String] = []
#endif

let package = Package(
    name: "benchmarks",
    dependencies: [
        .package(name: "pleiad", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "bench",
            dependencies: [
                .product(name: "PleiadModules", package: "pleiad"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                "ScaleModel", "CWidePeak",
            ],
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .enableExperimentalFeature("Lifetimes"),
                .unsafeFlags(vectorFlags),
            ]),
        // The peak of registers of sixteen floats, which Swift compiles for no older processor.
        .target(name: "CWidePeak"),
        // The model behind the simulated cases of `bench scale`.
        .target(name: "ScaleModel"),
        .testTarget(name: "ScaleModelTests", dependencies: ["ScaleModel"]),
    ]
)
