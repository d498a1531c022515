import ArgumentParser
internal import Wire

/// `bench wire`: parameters and gradients between two processes.
struct WireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire",
        abstract: "Parameters and gradients between two processes, every byte checksummed.",
        discussion: """
            Cases: wire-16, wire-88, wire-128, tensors of so many MiB (wire-88 of 88 MB, the \
            gradient of ViT-S) over loopback TCP in both directions. The seconds of a direction \
            run from the first word to the word that the last byte has arrived and was checked. \
            With --peer, gloo's all-reduce of as many floats by two processes, turn by turn with \
            ours: it moves each byte once in each direction, so the ratio compares it with \
            gradient and version together. share_of_peak is of the rate at which one thread \
            copies memory (peak_gigabytes_per_second).

            Examples:
              deploy/bench wire --peer python3
              deploy/bench wire --case wire-128 --seconds 5
            """)

    @Option(name: .customLong("case"), help: "One case only.")
    var only: String?

    @Option(help: "Seconds of measuring for each case.")
    var seconds = 10.0

    @Option(help: "A Python that has torch: measures gloo in turns with us.")
    var peer: String?

    private static let cases = [
        ("wire-16", 16 << 20), ("wire-88", 88_000_000), ("wire-128", 128 << 20),
    ]

    func validate() throws {
        guard seconds > 0 else { throw ValidationError("--seconds is more than 0") }
        let names = Self.cases.map(\.0)
        if let only, !names.contains(only) {
            throw ValidationError("--case is one of \(names.joined(separator: ", "))")
        }
    }

    func run() async throws {
        let link = try await WireLink.opened(arguments: ["wire-peer"])
        defer { link.close() }
        for (name, byteCount) in Self.cases where only == nil || only == name {
            try await measure(name, byteCount, over: link)
        }
    }

    private func measure(_ name: String, _ byteCount: Int, over link: WireLink) async throws {
        let gloo = try peer.map {
            try Peer(
                python: $0, script: "allreduce_gloo.py",
                arguments: ["--floats", "\(byteCount / 4)"])
        }
        defer { gloo?.end() }
        try gloo?.awaitReady()
        let tensor = wireTensor(byteCount: byteCount)
        var found: [[Double]] = WireDirection.allCases.map { _ in [] }
        var peerSeconds: [Double] = []
        let end = monotonicSeconds() + seconds
        repeat {
            for (index, direction) in WireDirection.allCases.enumerated() {
                // The first one of a turn finds the caches of whoever ran before.
                _ = try await link.seconds(moving: tensor, direction)
                for _ in 0..<Self.turn(byteCount) {
                    found[index].append(try await link.seconds(moving: tensor, direction))
                }
            }
            if let gloo { peerSeconds += try gloo.run(Self.turn(byteCount) + 1).dropFirst() }
        } while monotonicSeconds() < end
        let both = found.reduce(0) { $0 + median($1) }
        let peak = copyRate()
        for (index, direction) in WireDirection.allCases.enumerated() {
            var line = CaseLine(name)
            line.set("direction", direction.rawValue)
            line.set("bytes", byteCount)
            line.set("seconds", median(found[index]))
            line.set("gigabytes_per_second", Double(byteCount) / median(found[index]) * 1e-9)
            line.set(
                "best_gigabytes_per_second", Double(byteCount) / (found[index].min() ?? 0) * 1e-9)
            line.set("share_of_peak", Double(byteCount) / median(found[index]) / peak)
            line.set("peak_gigabytes_per_second", peak * 1e-9)
            if let gloo {
                line.set("peer", gloo.name)
                line.set("peer_seconds", median(peerSeconds))
                line.set("both_directions_seconds", both)
                line.set("ratio", median(peerSeconds) / both)
            }
            line.write()
        }
    }

    /// The peak that bytes between processes are held against: a plain copy in memory.
    private func copyRate() -> Double {
        let crew = SlotCrew(count: 1)
        defer { crew.dismiss() }
        return MemoryRates.copyRate(crew, seconds: 0.5)
    }

    /// So many tensors in a row: a fifth of a second or so.
    private static func turn(_ byteCount: Int) -> Int { max(3, (256 << 20) / byteCount) }
}

/// The other process of `bench wire`.
struct WirePeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire-peer", abstract: "The other process of bench wire.", shouldDisplay: false
    )

    @Argument(help: "Where bench wire listens.")
    var url: String

    func run() async throws { try await serveWireLink(at: url) }
}
