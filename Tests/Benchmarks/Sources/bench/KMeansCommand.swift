import ArgumentParser
internal import Clustering

/// `bench kmeans`: clusterings of patches of Fashion-MNIST.
struct KMeansCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kmeans",
        abstract: "Spherical k-means on patches cut from Fashion-MNIST, beside faiss.",
        discussion: """
            Exact cases, 200,000 patches 16 x 16: kmeans-4096 and kmeans-65536, --iterations \
            iterations and the 8 nearest centers of every patch. With --peer, faiss from the same \
            first centers, iteration by iteration in turns with ours. gflops are those that were \
            computed; exact_gflops those of an exact search that leaves nothing out, over the \
            same seconds.

            Accelerated case, 2,000,000 patches 8 x 8: kmeans-1m, one iteration to 1,000,000 \
            centers and the labels, with what an exact search finds on 10,000 of them; --whole \
            makes all iterations.

            Examples:
              deploy/bench kmeans --peer python3
              deploy/bench kmeans --case kmeans-4096 --iterations 3
              deploy/bench kmeans --case kmeans-1m --whole
            """)

    @Option(name: .customLong("case"), help: "One case only.")
    var only: String?

    @Option(help: "Iterations of an exact case, and of a whole accelerated one.")
    var iterations = 10

    @Option(help: "Threads.")
    var threads = 2

    @Flag(help: "Make all iterations of the accelerated case, not one.")
    var whole = false

    @Option(help: "A Python that has faiss and numpy: measures it in turns with us.")
    var peer: String?

    private static let cases = [
        KMeansCase(name: "kmeans-4096", vectors: 200_000, side: 16, centers: 4096, isExact: true),
        KMeansCase(
            name: "kmeans-65536", vectors: 200_000, side: 16, centers: 65_536, isExact: true),
        KMeansCase(
            name: "kmeans-1m", vectors: 2_000_000, side: 8, centers: 1_000_000, isExact: false),
    ]

    func validate() throws {
        guard iterations >= 1, (1...64).contains(threads) else {
            throw ValidationError("--iterations is at least 1, --threads 1 to 64")
        }
        let names = Self.cases.map(\.name)
        if let only, !names.contains(only) {
            throw ValidationError("--case is one of \(names.joined(separator: ", "))")
        }
    }

    func run() throws {
        for item in Self.cases where only == nil || only == item.name {
            let made = item.isExact || whole ? iterations : 1
            let run = try KMeansBenchmark(item, iterations: made, threads: threads)
            try run.line(peer: item.isExact ? peer : nil).write()
        }
    }
}

/// One case of `bench kmeans`.
struct KMeansCase {
    let name: String
    let vectors: Int
    /// Rows and columns of a patch.
    let side: Int
    let centers: Int
    /// Whether all centers are searched.
    let isExact: Bool
}
