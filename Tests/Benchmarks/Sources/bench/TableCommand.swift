import ArgumentParser
internal import Kernels
internal import Tables

/// `bench table`: steps of a table of class centers.
struct TableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table",
        abstract: "Steps of a table of class centers: draw, loss, gradients, row optimizer.",
        discussion: """
            Cases: million-512 (1,000,000 centers of 512 floats), million-128, ten-million-64, \
            million-512-full (every center in each step). Batch 256, 8 positives a sample, a \
            tenth of the centers drawn, SGD with momentum; every row has its momentum from the \
            start. seconds are those of a whole step with the draw of the next; answer_seconds \
            those until every sample has dL/dz, which is what workers wait for; rest_seconds \
            those of row gradients, optimizer and scatter.

            Examples:
              deploy/bench table --peer python3
              deploy/bench table --case ten-million-64 --group 128
            """)

    @Option(
        name: .customLong("case"), parsing: .singleValue,
        help: "A case to measure; may be given several times.")
    var cases = ["million-512"]

    @Option(help: "Threads, ours and the peer's.")
    var threads = 2

    @Option(help: "Samples of an answer group; by default the batch is one.")
    var group: Int?

    @Option(help: "Optimizer of the rows: sgd or adamw. The peer does sgd.")
    var optimizer = TableCase.Optimizer.sgd

    @Option(help: "Seconds of measuring for each case, start aside.")
    var seconds = 30.0

    @Option(help: "A Python that has torch: measures PyTorch in turns with us.")
    var peer: String?

    func validate() throws {
        guard threads >= 1, threads <= 64 else { throw ValidationError("--threads is 1 to 64") }
        guard seconds > 0 else { throw ValidationError("--seconds is more than 0") }
        guard group.map({ $0 >= 1 && $0 <= TableCase.batch }) ?? true else {
            throw ValidationError("--group is 1 to \(TableCase.batch)")
        }
        let names = TableCase.all.map(\.name)
        for name in cases where !names.contains(name) {
            throw ValidationError("--case is one of \(names.joined(separator: ", "))")
        }
        guard peer == nil || optimizer == .sgd else {
            throw ValidationError("the peer of --peer does sgd")
        }
    }

    func run() throws {
        for item in TableCase.all where cases.contains(item.name) {
            try measure(item).write()
        }
    }

    private func measure(_ item: TableCase) throws -> CaseLine {
        remark("\(item.name) begins")
        let crew = SlotCrew(count: threads)
        defer { crew.dismiss() }
        let steps = TableSteps(
            item, optimizer: optimizer, group: group ?? TableCase.batch, threads: threads)
        var found: [TableSeconds] = []
        var entrants = [
            Entrant(name: "ours") { count in
                let taken = (0..<count).map { _ in steps.run() }
                found += taken
                return taken.map(\.total)
            }
        ]
        let rival = try peer.map {
            try Peer(
                python: $0, script: "sampled_classes.py",
                arguments: item.peerArguments + ["--threads", "\(threads)"])
        }
        defer { rival?.end() }
        try rival?.awaitReady()
        if let rival { entrants.append(Entrant(name: "peer") { try rival.run($0) }) }

        var rates: [Double] = []
        let times = try Turns(seconds: seconds).time(entrants) {
            rates.append(SharedProduct.rate(crew))
        }
        var line = CaseLine(item.name)
        steps.enter(into: &line, found, sgemm: median(rates))
        if let rival {
            line.set("peer", rival.name)
            line.set("peer_seconds", median(times[1]))
            line.set("ratio", median(times[1]) / median(times[0]))
        }
        return line
    }
}

extension TableCase.Optimizer: ExpressibleByArgument {}
