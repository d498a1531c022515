import Dispatch
import Optimizers
import Storage
import Synchronization
import Tables
import Tensors
import Testing

/// A checkpoint of a table that moves while it is written.
@Suite struct RowSnapshotTests {
    /// Three chunks of rows, of 16,384 each.
    private static let (rowCount, dim) = (40_000, 8)
    private static let rowBytes = 4 * dim

    private func table(threads: Int = 1, momentum: Double = 0.9) -> CenterTable {
        CenterTable(
            CenterTable.Settings(
                rowCount: Self.rowCount, dim: Self.dim, rate: 0.1,
                rule: .sgd(SGDMomentum(momentum: momentum, weightDecay: 0)), seed: 3,
                threads: threads))
    }

    /// Moves every seventh row or so, others in each step.
    @discardableResult
    private func advance(_ table: inout CenterTable, step: Int) -> [Int32] {
        let random = CounterRandom(seed: 4, stream: .test, a: UInt64(step))
        let rows = (0..<Int32(Self.rowCount)).filter { random.integer(at: Int($0), below: 7) == 0 }
        table.move(rows, gradient: random.normalTensor([rows.count, Self.dim]), rate: 0.5)
        return rows
    }

    private func snapshot(
        _ table: inout CenterTable, _ copies: CopyBudget
    ) -> [SafetensorsEntry] {
        table.snapshot(prefix: "c", copies: copies).map(\.entry)
    }

    private func values(_ entries: [SafetensorsEntry]) -> [String: Tensor] {
        var values: [String: Tensor] = [:]
        for entry in entries {
            switch entry.value {
            case .f32(let tensor): values[entry.name] = tensor
            case .source(let source):
                values[entry.name] = source.take()
                #expect(values[entry.name]?.shape == source.shape)
            default: continue
            }
        }
        return values
    }

    private func same(_ a: [String: Tensor], _ b: [String: Tensor]) -> Bool {
        a.keys == b.keys && a.allSatisfy { b[$0.key]?.isBitIdentical(to: $0.value) == true }
    }

    private func isSource(_ entry: SafetensorsEntry) -> Bool {
        if case .source = entry.value { true } else { false }
    }

    @Test(arguments: [1, 3])
    func `what is taken while rows move is what was there`(threads: Int) {
        // However many chunks are taken before, between and after steps.
        for taken in 0..<8 {
            var table = table(threads: threads)
            var twin = self.table()
            for step in 0..<2 {
                advance(&table, step: step)
                advance(&twin, step: step)
            }
            let before = values(twin.entries(prefix: "c"))
            let copies = CopyBudget(byteLimit: 1 << 30)
            let snapshot = self.snapshot(&table, copies)
            let sources = snapshot.filter(isSource)
            #expect(sources.count == 4 && snapshot.map(\.name).contains("c.touched"))
            var found = values(Array(sources.prefix(taken / 2)))
            advance(&table, step: 2)
            found.merge(values(Array(sources.prefix(taken).dropFirst(taken / 2)))) { $1 }
            advance(&table, step: 3)
            found.merge(values(Array(sources.dropFirst(taken)))) { $1 }
            #expect(same(found, before))
            #expect(copies.byteCount == 0)
            for step in 2..<4 { advance(&twin, step: step) }
            #expect(same(values(table.entries(prefix: "c")), values(twin.entries(prefix: "c"))))
            #expect(table.brokenInvariant() == nil)
        }
    }

    @Test func `only rows that move are copied, each once`() {
        var table = table()
        advance(&table, step: 0)
        let copies = CopyBudget(byteLimit: 1 << 30)
        let snapshot = self.snapshot(&table, copies)
        let moment = table.moment(0)
        let held = Set(
            (0..<Self.rowCount).filter { row in
                moment.rows(row..<(row + 1)).values.contains { $0 != 0 }
            })
        var moved: Set<Int32> = []
        for step in 1..<4 {
            moved.formUnion(advance(&table, step: step))
            // A moment that came after the snapshot is none of it.
            let moments = moved.filter { held.contains(Int($0)) }.count
            #expect(copies.byteCount == (moved.count + moments) * Self.rowBytes)
        }
        #expect(copies.mostByteCount == copies.byteCount)
        _ = values(snapshot)
        #expect(copies.byteCount == 0)
        advance(&table, step: 4)
        #expect(copies.byteCount == 0, "what was taken needs no copy")
    }

    @Test(arguments: [0, 10_000, 60_000])
    func `a step that finds no room waits until enough is taken`(bytes: Int) {
        var table = table(threads: 2)
        advance(&table, step: 0)
        let before = values(table.entries(prefix: "c"))
        let writer = Writer()
        let copies = CopyBudget(byteLimit: bytes) { writer.note($0) }
        writer.begin(snapshot(&table, copies))
        advance(&table, step: 1)
        let reports = writer.reports
        #expect(!reports.isEmpty && reports.count % 2 == 0)
        #expect(reports.enumerated().allSatisfy { $1 == ($0 % 2 == 0) })
        #expect(copies.mostByteCount <= bytes)
        #expect(same(writer.finish(), before))
    }

    /// Takes a snapshot, one chunk each time that somebody waits for it, on a thread of its own.
    private final class Writer: Sendable {
        private let state = Mutex(State())
        private let queue = DispatchQueue(label: "tests-writer")

        private struct State {
            var sources: [(name: String, source: any FloatSource)] = []
            var taken: [String: Tensor] = [:]
            var reports: [Bool] = []
        }

        var reports: [Bool] { state.withLock { $0.reports } }

        func begin(_ entries: [SafetensorsEntry]) {
            let sources = entries.compactMap { entry -> (name: String, source: any FloatSource)? in
                if case .source(let source) = entry.value { (entry.name, source) } else { nil }
            }
            state.withLock { $0.sources = sources }
        }

        func note(_ isFull: Bool) {
            state.withLock { $0.reports.append(isFull) }
            if isFull { queue.async { self.takeAll() } }
        }

        func takeAll() {
            while let next = state.withLock({ $0.sources.isEmpty ? nil : $0.sources.removeFirst() })
            {
                let tensor = next.source.take()
                state.withLock { $0.taken[next.name] = tensor }
            }
        }

        func finish() -> [String: Tensor] {
            queue.sync { takeAll() }
            return state.withLock { $0.taken }
        }
    }

    @Test func `a snapshot that is let go gives its room back, and nobody waits for it`() {
        var table = table()
        let copies = CopyBudget(byteLimit: 300_000)
        var snapshot: [SafetensorsEntry]? = self.snapshot(&table, copies)
        advance(&table, step: 0)
        #expect(copies.byteCount > 100_000)
        #expect(snapshot?.isEmpty == false)
        snapshot = nil
        #expect(copies.byteCount == 0)
        for step in 1..<5 { advance(&table, step: step) }
        #expect(copies.byteCount == 0)
    }

    @Test func `when a checkpoint has failed nobody waits for it`() {
        var table = table()
        let copies = CopyBudget(byteLimit: 0)
        let snapshot = self.snapshot(&table, copies)
        copies.lift()
        advance(&table, step: 0)
        #expect(copies.byteCount > 0 && !snapshot.isEmpty)
    }

    @Test(arguments: [true, false])
    func `a copy of a table that is held goes its own way`(isCopyFirst: Bool) {
        var one = table()
        advance(&one, step: 0)
        let before = values(one.entries(prefix: "c"))
        let copies = CopyBudget(byteLimit: 1 << 30)
        let snapshot = self.snapshot(&one, copies)
        var two = one
        if isCopyFirst { advance(&two, step: 2) }
        advance(&one, step: 1)
        if !isCopyFirst { advance(&two, step: 2) }
        advance(&one, step: 2)
        #expect(same(values(snapshot), before))
        var twins = [table(), table()]
        for (index, steps) in [[0, 1, 2], [0, 2]].enumerated() {
            for step in steps { advance(&twins[index], step: step) }
        }
        #expect(same(values(one.entries(prefix: "c")), values(twins[0].entries(prefix: "c"))))
        #expect(same(values(two.entries(prefix: "c")), values(twins[1].entries(prefix: "c"))))
    }

    @Test func `arrays that are given out while a checkpoint is written do not change`() {
        var table = table()
        advance(&table, step: 0)
        let earlier = table.entries(prefix: "c")
        let before = values(earlier)
        let snapshot = self.snapshot(&table, CopyBudget(byteLimit: 1 << 30))
        let later = table.entries(prefix: "c")
        advance(&table, step: 1)
        #expect(same(values(earlier), before) && same(values(later), before))
        #expect(same(values(snapshot), before))
    }

    @Test func `a second snapshot before the first was taken has its own rows`() {
        var table = table()
        let copies = CopyBudget(byteLimit: 1 << 30)
        let first = snapshot(&table, copies)
        let firstValues = values(table.entries(prefix: "c"))
        advance(&table, step: 0)
        let second = snapshot(&table, copies)
        let secondValues = values(table.entries(prefix: "c"))
        advance(&table, step: 1)
        #expect(same(values(second), secondValues))
        #expect(same(values(first), firstValues))
    }

    // MARK: Changes

    /// Puts a snapshot in the place of the arrays of an earlier one that have changed since.
    private func merged(
        _ base: [String: SafetensorsValue], _ arrays: [ChangedArray]
    ) -> [ChangedArray] {
        arrays.map { array in
            var merged = array
            switch (array.change, base[array.entry.name], fetched(array.entry.value)) {
            case (.rows(let places), .f32(let old)?, .f32(let new)):
                var rows = Tensor(zeros: new.shape)
                for row in 0..<new.shape[0] {
                    let source = places.contains(Int32(row)) ? new : old
                    var target = rows.mutableSpan
                    let span = source.span
                    for column in 0..<Self.dim {
                        let at = row * Self.dim + column
                        // A row that neither has would show as NaN.
                        target[at] = at < span.count ? span[at] : .nan
                    }
                }
                merged.entry.value = .f32(rows)
            case (.tail(let first), .i64(let old, _)?, .i64(let new, _)):
                merged.entry.value = .i64(Array(old[..<first] + new[first...]))
            case (_, _, let value): merged.entry.value = value
            }
            return merged
        }
    }

    private func fetched(_ value: SafetensorsValue) -> SafetensorsValue {
        if case .source(let source) = value { .f32(source.take()) } else { value }
    }

    @Test func `what is said to have changed since a base is all that has`() throws {
        // Small draws, so that few rows of three chunks move, and moments grow into a second one.
        func advance(_ table: inout CenterTable, _ step: Int) {
            let random = CounterRandom(seed: 9, stream: .test, a: UInt64(step))
            let share = step < 2 ? 2 : 40
            let rows = (0..<Int32(Self.rowCount)).filter {
                random.integer(at: Int($0), below: share) == 0
            }
            table.move(rows, gradient: random.normalTensor([rows.count, Self.dim]), rate: 0.5)
        }
        let copies = CopyBudget(byteLimit: 1 << 30)
        var table = table()
        advance(&table, 0)
        var base: [String: SafetensorsValue] = [:]
        for array in table.snapshot(prefix: "c", copies: copies) {
            base[array.entry.name] = fetched(array.entry.value)
        }
        table.countChangesFromHere()
        var twin = self.table()
        advance(&twin, 0)
        for step in 1..<5 {
            advance(&table, step)
            advance(&twin, step)
            let arrays = merged(base, table.snapshot(prefix: "c", copies: copies))
            #expect(same(values(arrays.map(\.entry)), values(twin.entries(prefix: "c"))))
            #expect((arrays.changeByteCount < arrays.byteCount) == true)
            // A start that goes on from there counts from the same base.
            table = self.table()
            try table.restore(arrays, prefix: "c")
            #expect(table.brokenInvariant() == nil)
        }
        #expect(table.touchedCount > 16_384, "moments have grown into another chunk")
    }

    @Test func `a table of which every row moves is smaller whole`() {
        var table = table()
        advance(&table, step: 0)
        let copies = CopyBudget(byteLimit: 1 << 30)
        table.countChangesFromHere()
        let none = table.snapshot(prefix: "c", copies: copies)
        #expect(none.changeByteCount < 1000)
        let rows = (0..<Int32(Self.rowCount)).map { $0 }
        table.move(rows, gradient: Tensor(zeros: [rows.count, Self.dim]), rate: 0.1)
        let all = table.snapshot(prefix: "c", copies: copies)
        #expect(all.changeByteCount > all.byteCount)
    }

    @Test func `rows that are made when they are needed are those that are made at once`() throws {
        let settings = table().settings
        var (late, other, restored) = (
            CenterTable(unmade: settings), CenterTable(unmade: settings),
            CenterTable(unmade: settings)
        )
        #expect(late.byteCount == table().byteCount)
        late.makeFirstRows()
        #expect(late.allRows.isBitIdentical(to: table().allRows))
        advance(&other, step: 0)
        advance(&late, step: 0)
        #expect(same(values(other.entries(prefix: "c")), values(late.entries(prefix: "c"))))
        try restored.restore(late.entries(prefix: "c"), prefix: "c")
        #expect(restored.brokenInvariant() == nil)
        #expect(same(values(restored.entries(prefix: "c")), values(late.entries(prefix: "c"))))
    }
}
