internal import Clustering
internal import Datasets
internal import Foundation
internal import Storage
internal import Tensors

/// A clustering, measured from first centers to labels.
final class KMeansBenchmark {
    private let item: KMeansCase
    private let iterations: Int
    private let threads: Int
    private let folder: URL
    private let samples: Samples
    private let settings: ClusteringSettings
    private static let labelsPerVector = 8

    /// Cuts the patches and writes them, centred and at unit length, to a file that is mapped.
    init(_ item: KMeansCase, iterations: Int, threads: Int) throws {
        self.item = item
        self.iterations = iterations
        self.threads = threads
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("pleiad-kmeans-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        settings = ClusteringSettings(
            clusterCount: item.centers, iterations: iterations,
            labelsPerSample: Self.labelsPerVector,
            search: item.isExact ? .exact : .automatic)
        remark("\(item.name): cutting \(item.vectors) patches \(item.side) x \(item.side)")
        let images = try FashionMNIST.load().train
        let patches = PixelFeatures(
            images.patches(ImagePatches(side: item.side, count: item.vectors, seed: 0))
        ).features()
        let path = folder.appendingPathComponent("vectors.npy").path
        try NPYFile.write(FeaturePreparation().applied(to: patches), to: path)
        samples = try Samples([try MatrixFile(mapping: path)])
    }

    deinit {
        // Only temporary; what cannot be removed now the system removes in time.
        try? FileManager.default.removeItem(at: folder)
    }

    /// Runs the case, with the peer in turns where there is one.
    func line(peer python: String?) throws -> CaseLine {
        let peer = try python.map { try startedPeer($0) }
        defer { peer?.end() }
        PeakMemory.reset()
        var (seconds, peerSeconds) = (0.0, 0.0)
        var begin = monotonicSeconds()
        var run = try ClusteringRun(samples, settings: settings, threads: threads)
        seconds += monotonicSeconds() - begin
        var objectives: [Double] = []
        for number in 1...iterations {
            begin = monotonicSeconds()
            guard let done = try run.advance() else { break }
            let own = monotonicSeconds() - begin
            seconds += own
            objectives.append(done.objective / Double(item.vectors))
            let others = try peer?.run(1).reduce(0, +)
            peerSeconds += others ?? 0
            remark(
                "\(item.name): iteration \(number) of \(iterations), \(own) s"
                    + (others.map { ", peer \($0) s" } ?? ""))
        }
        let trained = seconds
        begin = monotonicSeconds()
        let result = try run.result()
        seconds += monotonicSeconds() - begin
        var line = CaseLine(item.name)
        add(result, to: &line, seconds: seconds, trained: trained)
        if let peer {
            let labels = try peer.numbers("labels \(Self.labelsPerVector)")
            add(
                peer, labels, to: &line, seconds: (seconds, trained), peerTrained: peerSeconds,
                similarity: result.meanSimilarity)
        }
        return line
    }

    private func add(
        _ result: ClusteringResult, to line: inout CaseLine, seconds: Double, trained: Double
    ) {
        let dim = Double(item.side * item.side)
        let scores = Double(result.scoreCount + result.labelScoreCount)
        let perPass = Double(item.vectors) * Double(item.centers)
        let passes = Double(result.objectives.count)
        line.set("vectors", item.vectors)
        line.set("dim", item.side * item.side)
        line.set("centers", item.centers)
        line.set("iterations", result.objectives.count)
        line.set("threads", threads)
        line.set("seconds", seconds)
        line.set("training_seconds", trained)
        line.set("label_seconds", seconds - trained)
        line.set("gflops", 2 * scores * dim / seconds * 1e-9)
        line.set("exact_gflops", 2 * perPass * (passes + 1) * dim / seconds * 1e-9)
        line.set("peak_rss_mib", PeakMemory.mebibytes())
        line.set("fewer_multiply_adds", perPass * passes / Double(result.scoreCount))
        line.set("similarity", result.meanSimilarity)
        line.set("imbalance", result.report.imbalance)
        line.set("empty", result.report.emptyCount)
        if let agreement = result.agreement {
            line.set("label_fewer_multiply_adds", perPass / Double(result.labelScoreCount))
            line.set("agreement", agreement.first)
            line.set("recall_at_8", agreement.recall)
            line.set("iteration_agreement", agreement.iterationFirst)
        }
    }

    private func add(
        _ peer: Peer, _ labels: [String: Double], to line: inout CaseLine,
        seconds: (all: Double, trained: Double), peerTrained: Double, similarity: Double
    ) {
        let labelSeconds = labels["seconds"] ?? .nan
        let peerSimilarity = labels["similarity"] ?? .nan
        line.set("peer", peer.name)
        line.set("peer_seconds", peerTrained + labelSeconds)
        line.set("ratio", (peerTrained + labelSeconds) / seconds.all)
        line.set("peer_training_seconds", peerTrained)
        line.set("training_ratio", peerTrained / seconds.trained)
        line.set("peer_similarity", peerSimilarity)
        line.set("similarity_over_peer", similarity / peerSimilarity - 1)
    }

    /// The peer with our vectors and first centers.
    private func startedPeer(_ python: String) throws -> Peer {
        let start = try samples.startingCenters(
            drawStart(
                sampleCount: item.vectors, clusterCount: item.centers, seed: settings.seed))
        let path = folder.appendingPathComponent("start.npy").path
        try NPYFile.write(start, to: path)
        let peer = try Peer(
            python: python, script: "kmeans_faiss.py",
            arguments: [
                "--vectors", folder.appendingPathComponent("vectors.npy").path, "--start", path,
                "--threads", "\(threads)",
            ])
        try peer.awaitReady()
        return peer
    }
}

/// The most memory that this process has held since it was last asked to begin anew.
enum PeakMemory {
    /// Begins anew; where the system refuses, the peak stays that of the whole process.
    static func reset() {
        try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    }

    /// The peak, mapped files included, in MiB.
    static func mebibytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(separator: " ").compactMap { Int($0) }.first
        return (kibibytes ?? 0) / 1024
    }
}
