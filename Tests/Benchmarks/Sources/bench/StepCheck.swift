internal import Foundation
internal import Networks
internal import Tensors

/// Compares loss and gradient norm of a case with the peer's, for equal weights and images.
struct StepCheck {
    private let item: StepCase
    private let options: StepOptions

    init(_ item: StepCase, options: StepOptions) {
        self.item = item
        self.options = options
    }

    /// The compared figures as a line.
    func run() throws -> CaseLine {
        let step = options.makeStep(item)
        let network = item.network()
        let parameters = network.firstParameters()
        _ = step.run(slots: options.slots)

        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("bench-check-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let weights = folder.appendingPathComponent("weights")
        let images = folder.appendingPathComponent("images")
        try bytes(of: parameters).write(to: weights)
        try bytes(of: options.images(of: item)).write(to: images)
        let entries = network.layout.entries.map { [$0.name, $0.offset, $0.shape.dims] as [Any] }
        try JSONSerialization.data(withJSONObject: ["tensors": entries])
            .write(to: folder.appendingPathComponent("weights.json"))

        let peer = try Peer(
            python: options.peer ?? "python3", script: item.peer.script,
            arguments: item.peer.arguments + ["--threads", "\(options.slots)"])
        defer { peer.end() }
        try peer.awaitReady()
        let found = try peer.numbers("check \(weights.path) \(images.path)")
        return line(step, found, peer: peer.name)
    }

    private func line(_ step: TrainingStep, _ found: [String: Double], peer: String) -> CaseLine {
        let loss = found["loss"] ?? .nan
        let norm = found["gradient_norm"] ?? .nan
        var line = CaseLine(item.name)
        line.set("loss", step.loss)
        line.set("gradient_norm", step.gradientNorm)
        line.set("peer", peer)
        line.set("peer_loss", loss)
        line.set("peer_gradient_norm", norm)
        line.set("loss_difference", abs(step.loss / loss - 1))
        line.set("gradient_norm_difference", abs(step.gradientNorm / norm - 1))
        return line
    }

    private func bytes(of tensor: Tensor) -> Data {
        var data = Data(capacity: 4 * tensor.count)
        for value in tensor.values {
            let bits = value.bitPattern.littleEndian
            for shift in stride(from: 0, to: 32, by: 8) {
                data.append(UInt8(truncatingIfNeeded: bits >> UInt32(shift)))
            }
        }
        return data
    }
}
