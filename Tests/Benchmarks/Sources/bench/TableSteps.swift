internal import Objectives
internal import Tables
internal import Tensors

/// Seconds of the parts of a step.
struct TableSeconds {
    /// The draw of the next step, made ahead.
    var draw = 0.0
    /// Until every sample has dL/dz.
    var answer = 0.0
    /// dL/dW, as far as it is made before the commit.
    var gradients = 0.0
    /// The rest of dL/dW, and the rows' optimizer.
    var commit = 0.0

    /// What may happen beside the workers' backward, and at the commit.
    var rest: Double { gradients + commit }

    var total: Double { draw + answer + rest }
}

/// Steps of one table, as the coordinator makes them.
final class TableSteps {
    private let item: TableCase
    private let group: Int
    private var table: CenterTable
    private var step = 0
    private var next: [[Int32]]
    private var drawn = 0

    /// A table of which every row has its moments, and the first draw.
    init(_ item: TableCase, optimizer: TableCase.Optimizer, group: Int, threads: Int) {
        self.item = item
        self.group = group
        table = CenterTable(
            CenterTable.Settings(
                rowCount: item.centers, dim: item.dim, rate: item.share, rule: optimizer.rule,
                seed: 1, threads: threads))
        next = Self.labels(step: 0, below: item.centers)
        touchAll()
        table.drawAhead(step: 0, positives: RowDraw.positives(of: next.joined()))
    }

    /// Moves all rows by nothing, so that each has its moments.
    private func touchAll() {
        let part = 4096
        let nothing = Tensor(zeros: [part, item.dim])
        for first in stride(from: 0, to: item.centers, by: part) {
            let rows = (first..<min(first + part, item.centers)).map { Int32($0) }
            table.move(rows, gradient: nothing.rows(0..<rows.count), rate: 0)
        }
    }

    private static func labels(step: Int, below centers: Int) -> [[Int32]] {
        let random = CounterRandom(seed: 2, stream: .test, a: UInt64(step))
        return (0..<TableCase.batch).map { sample in
            (0..<TableCase.positives).map {
                Int32(random.integer(at: TableCase.positives * sample + $0, below: centers))
            }
        }
    }

    /// Makes a step; what the coordinator gets from elsewhere is made before the clock starts.
    func run() -> TableSeconds {
        let labels = next
        let positives = RowDraw.positives(of: labels.joined())
        let z = CounterRandom(seed: 3, stream: .test, a: UInt64(step))
            .normalTensor([TableCase.batch, item.dim])
        next = Self.labels(step: step + 1, below: item.centers)
        var seconds = TableSeconds()
        seconds.answer = elapsed {
            table.open(step: step, positives: positives)
            for first in stride(from: 0, to: TableCase.batch, by: group) {
                let range = first..<min(first + group, TableCase.batch)
                let answer = table.answer(
                    group: first / group, embeddings: z.rows(range), labels: Array(labels[range]),
                    loss: ClassificationSettings(scale: 64, angularMargin: 0),
                    divisor: TableCase.batch)
                precondition(answer.values.sum.isFinite, "a loss that is not finite")
            }
        }
        seconds.gradients = elapsed { table.makeGradients() }
        seconds.commit = elapsed { drawn = table.commit(rate: TableCase.rate).drawnCount }
        step += 1
        let nextPositives = RowDraw.positives(of: next.joined())
        seconds.draw = elapsed { table.drawAhead(step: step, positives: nextPositives) }
        return seconds
    }

    private func elapsed(_ body: () -> Void) -> Double {
        let begin = monotonicSeconds()
        body()
        return monotonicSeconds() - begin
    }

    /// Enters our figures.
    ///
    /// - Parameter sgemm: what `SharedProduct` reached in the same run, operations a second.
    func enter(into line: inout CaseLine, _ found: [TableSeconds], sgemm: Double) {
        let seconds = median(found.map(\.total))
        let rate = item.operations(drawn: drawn) / seconds
        line.set("seconds", seconds)
        line.set("answer_seconds", median(found.map(\.answer)))
        line.set("rest_seconds", median(found.map(\.rest)))
        line.set("gflops", rate * 1e-9)
        line.set("sgemm_gflops", sgemm * 1e-9)
        line.set("share_of_sgemm", rate / sgemm)
        line.set(
            "phases",
            [
                ("answer", median(found.map(\.answer))),
                ("gradients", median(found.map(\.gradients))),
                ("commit", median(found.map(\.commit))), ("draw", median(found.map(\.draw))),
            ])
        line.set("drawn", drawn)
        line.set("group", group)
        line.set("steps", found.count)
        line.set("table_mib", Double(table.byteCount) / Double(1 << 20))
        line.set("peak_rss_mib", PeakMemory.mebibytes())
    }
}
