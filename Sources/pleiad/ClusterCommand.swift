import ArgumentParser
import Clustering
import Foundation

/// `pleiad cluster`: k-means and the nearest centers of every sample.
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Cluster images or features, and find every sample's nearest centers.",
        discussion: """
            k-means (Lloyd's iterations, or mini-batches with --batch), spherical unless --plain. \
            The file holds centers [k, d], labels [n, q], nearest first, and their cosines. Files \
            of features are mapped, not read: they may be larger than memory. The result is the \
            same to the last bit for any number of threads, also after an interruption: the state \
            stands in OUT.partial, and the same command goes on from there.

            Up to 65,536 centers the search is exact. Beyond, a sample is compared with the \
            centers of its nearest cells alone (--search cells), and the labels of 10,000 \
            samples are compared with an exact search at the end.

            With --workers or --listen the nearest centers are found by workers, on this machine \
            or elsewhere, which may join, leave and die at any time: the result is the same to the \
            last bit. A worker needs the same features; where they lie elsewhere on its host it is \
            told so: 'pleiad worker --join URL --features FILES'. Means, empty clusters and the \
            comparison with an exact search are computed here.

            Examples:
              pleiad cluster --centers 4000 --out labels.safetensors
              pleiad cluster --features z.npy --centers 20000 --out labels.safetensors
              pleiad cluster --features part1.npy --features part2.npy --centers 1000000 \
            --iterations 20 --out labels.safetensors --json
              pleiad cluster --features z.npy --centers 4096 --batch 16384 --iterations 500 \
            --out labels.safetensors
              pleiad cluster --checkpoint runs/quick --centers 4000 --out labels.safetensors
              pleiad cluster --features z.npy --centers 65536 --workers 2 --out labels.safetensors
              pleiad cluster --features z.npy --centers 65536 --listen tls+tcp://0.0.0.0:4700 \
            --keys keys/hub --out labels.safetensors
            """)

    @Option(help: "Number of clusters.")
    var centers: Int

    @Option(help: "The file to write (safetensors).")
    var out: String

    @OptionGroup(title: "What is clustered")
    var source: ClusterSource

    @Option(help: "Iterations, or mini-batches; fewer where nothing changes any more.")
    var iterations = 15

    @Option(help: "Samples of a mini-batch. Default: all samples in every iteration.")
    var batch: Int?

    @Option(help: "Nearest centers to store for each sample.")
    var labels = 8

    @Option(help: "The seed of first centers, splits and batches.")
    var seed: UInt64 = 0

    @Flag(help: "Plain centers and Euclidean distance, instead of unit centers.")
    var plain = false

    @OptionGroup(title: "Search")
    var search: ClusterSearchOptions

    @OptionGroup(title: "Workers")
    var workers: ClusterWorkerOptions

    @Option(
        help: "Threads of this process; they have no influence on the result. Default: one a core."
    )
    var threads: Int?

    @Flag(help: "Begin anew even if OUT.partial holds an interrupted clustering.")
    var restart = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    func validate() throws {
        guard centers >= 2 else { throw ValidationError("--centers must be at least 2.") }
        guard iterations >= 1, labels >= 1 else {
            throw ValidationError("--iterations and --labels must be at least 1.")
        }
        if let batch, batch < 1 { throw ValidationError("--batch must be at least 1.") }
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads must be between 1 and 1024.")
        }
    }

    func run() async throws {
        let settings = ClusteringSettings(
            clusterCount: centers, iterations: iterations, spherical: !plain,
            labelsPerSample: labels, seed: seed, batchCount: batch,
            search: search.method(clusterCount: centers))
        let job = ClusterJob(
            settings: settings, out: out, threads: threads ?? coreCount, isAnew: restart)
        let report =
            try await workers.areWanted ? workers.run(job, source) : job.run(source)
        print(json ? report.json : report.text)
    }
}

/// How the nearest centers are found, from the command line.
struct ClusterSearchOptions: ParsableArguments {
    /// The kinds of search.
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case auto, exact, cells
    }

    @Option(help: "auto (exact up to 65,536 centers), exact, or cells.")
    var search = Kind.auto

    @Option(help: "Cells of the centers. Default: four times the root of their number.")
    var cells: Int?

    @Option(help: "Cells that a sample is looked up in.")
    var probes: Int?

    @Option(help: "Cells that a sample is looked up in for its labels.")
    var labelProbes: Int?

    func validate() throws {
        for (name, value) in [
            ("--cells", cells), ("--probes", probes), ("--label-probes", labelProbes),
        ] {
            guard let value else { continue }
            guard value >= 1 else { throw ValidationError("\(name) must be at least 1.") }
            guard search != .exact else {
                throw ValidationError("\(name) is for --search cells or auto.")
            }
        }
    }

    /// The method for so many centers.
    func method(clusterCount k: Int) -> SearchMethod {
        let isTuned = cells != nil || probes != nil || labelProbes != nil
        switch search {
        case .exact: return .exact
        case .auto where !isTuned: return .automatic
        case .auto, .cells:
            return .cells(
                CellSettings(
                    clusterCount: k, cells: cells, probes: probes, labelProbes: labelProbes))
        }
    }
}
