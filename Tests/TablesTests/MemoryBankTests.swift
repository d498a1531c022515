import Objectives
import Storage
import Tensors
import Testing

@testable import Tables

@Suite struct MemoryBankTests {
    private func bank(threads: Int = 1, momentum: Float = 0.5, rowCount: Int = 700) -> MemoryBank {
        MemoryBank(
            MemoryBank.Settings(
                rowCount: rowCount, dim: 12, momentum: momentum, seed: 4, threads: threads))
    }

    private func embeddings(_ count: Int, step: Int) -> Tensor {
        CounterRandom(seed: 5, stream: .test, a: UInt64(step)).normalTensor([count, 12])
    }

    private func images(_ step: Int) -> [Int] { (0..<80).map { ($0 * 7 + step * 31) % 700 } }

    /// One step of 80 images in three groups.
    private func advance(
        _ bank: inout MemoryBank, step: Int, order: [Int] = [0, 1, 2],
        loss: InstanceLoss = InstanceLoss(.contrastive, temperature: 0.2)
    ) -> [Tensor] {
        let cuts = [0, 10, 50, 80]
        let (z, images) = (embeddings(80, step: step), images(step))
        bank.open(step: step)
        var answers = [Tensor](repeating: Tensor(0), count: 3)
        for group in order {
            let range = cuts[group]..<cuts[group + 1]
            answers[group] =
                bank.answer(
                    group: group, embeddings: z.rows(range), images: Array(images[range]),
                    loss: loss, divisor: 80
                ).gradient
        }
        bank.commit()
        return answers
    }

    @Test func `neither the order of groups nor threads decide a bit`() {
        var one = bank()
        var others = [2, 3].map { bank(threads: $0) }
        for step in 0..<4 {
            let a = advance(&one, step: step)
            for index in others.indices {
                let b = advance(&others[index], step: step, order: [2, 0, 1])
                #expect(zip(a, b).allSatisfy { $0.isBitIdentical(to: $1) })
            }
        }
        for other in others { #expect(one.allRows.isBitIdentical(to: other.allRows)) }
    }

    @Test func `rows begin uniform, of length 1 on average, and differ by seed and row alone`() {
        let rows = bank(rowCount: 2000).allRows
        let bound = 0.5 as Float  // 1 / sqrt(12 / 3)
        #expect(rows.values.allSatisfy { $0 >= -bound && $0 < bound })
        let square = rows.values.reduce(0) { $0 + Double($1 * $1) } / 2000
        #expect(abs(square - 1) < 0.02)
        #expect(rows.rows(0..<700).isBitIdentical(to: bank(threads: 2).allRows))
    }

    @Test func `only the rows of a step's images move, to unit length`() {
        var bank = bank()
        let before = bank.allRows
        _ = advance(&bank, step: 0)
        let after = bank.allRows
        let moved = Set(images(0))
        for row in 0..<700 {
            let same = after.rows(row..<(row + 1)).isBitIdentical(to: before.rows(row..<(row + 1)))
            #expect(same != moved.contains(row))
        }
        for row in moved {
            let values = after.rows(row..<(row + 1)).values
            #expect(abs(values.reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
        }
    }

    @Test func `an update is the average with the feature, and happens once`() {
        var bank = bank(momentum: 0.75)
        let old = bank.allRows.rows(9..<10).values
        let z = embeddings(2, step: 1)
        bank.open(step: 0)
        // The image stands in the batch twice: the first feature counts.
        _ = bank.answer(
            group: 0, embeddings: z, images: [9, 9], loss: InstanceLoss(.simple), divisor: 2)
        bank.commit()
        let f = UnitRows(z).unit.rows(0..<1).values
        let mixed = zip(old, f).map { 0.75 * $0 + 0.25 * $1 }
        let length = mixed.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for (a, b) in zip(bank.allRows.rows(9..<10).values, mixed) {
            #expect(abs(a - b / length) < 1e-6)
        }
    }

    @Test func `losses see the rows of when the step opened`() {
        // Both groups have the same images: the second must not see what the first left.
        var bank = bank()
        let z = embeddings(5, step: 2)
        bank.open(step: 0)
        let answers = [0, 1].map {
            bank.answer(
                group: $0, embeddings: z, images: [1, 2, 3, 4, 5],
                loss: InstanceLoss(.contrastive, temperature: 0.1), divisor: 10)
        }
        #expect(answers[0].gradient.isBitIdentical(to: answers[1].gradient))
    }

    @Test func `a bank of several chunks is read where it lies, as one matrix`() {
        var bank = bank(threads: 2, rowCount: 40_000)
        let loss = InstanceLoss(.contrastive, temperature: 0.2)
        let (z, images) = (embeddings(5, step: 3), [0, 16_383, 16_384, 32_768, 39_999])
        bank.open(step: 0)
        let answer = bank.answer(group: 0, embeddings: z, images: images, loss: loss, divisor: 5)
        let whole = InstanceDiscrimination.answer(
            z, .rows(images), against: MatrixRows(bank.allRows), loss, divisor: 5)
        #expect(answer.gradient.isBitIdentical(to: whole.gradient))
        #expect(answer.losses == whole.losses)
    }

    @Test func `rows of two chunks are copied together, those of one are not`() {
        let matrix = CounterRandom(seed: 6, stream: .test).normalTensor([20_000, 3])
        let rows = WholeRows(RowStore(copying: matrix, threads: 1))
        for range in [0..<512, 16_000..<16_384, 16_300..<16_500, 19_000..<20_000] {
            var memory = Tensor(repeating: -7, shape: [1000, 3])
            rows.withRows(range, &memory) { seen in
                #expect(seen.count == 3 * range.count)
                #expect(
                    seen.indices.allSatisfy { seen[$0] == matrix.span[3 * range.lowerBound + $0] })
            }
            let isCopied = memory.values.contains { $0 != -7 }
            #expect(isCopied == (range == 16_300..<16_500))
        }
    }

    @Test func `a step that is opened again forgets what was answered`() {
        var one = bank()
        var two = bank()
        two.open(step: 0)
        _ = two.answer(
            group: 0, embeddings: embeddings(3, step: 9), images: [600, 601, 602],
            loss: InstanceLoss(.simple), divisor: 3)
        _ = advance(&one, step: 0)
        _ = advance(&two, step: 0)
        #expect(one.allRows.isBitIdentical(to: two.allRows))
    }

    @Test func `a bank that is restored goes on with the same bits`() throws {
        var one = bank()
        _ = advance(&one, step: 0)
        let stored = one.entries(prefix: "bank")
        #expect(stored.map(\.name) == ["bank.rows.0"])
        var two = bank()
        try two.restore(stored, prefix: "bank")
        _ = advance(&one, step: 1)
        _ = advance(&two, step: 1)
        #expect(one.allRows.isBitIdentical(to: two.allRows))
        // What was stored is as it was.
        guard case .f32(let rows) = stored[0].value else { throw TableError.missing("rows") }
        #expect(!rows.isBitIdentical(to: one.allRows))
    }

    @Test func `rows are read from a checkpoint's file, chunk by chunk`() throws {
        let disk = SimulatedDisk()
        let path = "/tables.safetensors"
        // Two chunks.
        let bank = bank(rowCount: 16_400)
        let entries = bank.entries(prefix: "bank")
        #expect(entries.count == 2)
        func read(_ entries: [SafetensorsEntry], dim: Int = 12) throws -> Tensor {
            let other = SafetensorsEntry("other.rows.0", .f32(Tensor(zeros: [2, 12])))
            try SafetensorsFile.write(
                entries + [other], metadata: [], to: path, fileSystem: disk)
            return try MemoryBank.storedRows(
                in: StreamedSafetensors(path, fileSystem: disk), prefix: "bank", dim: dim)
        }
        #expect(try read(entries).isBitIdentical(to: bank.allRows))
        let small = self.bank()
        let first = try read(small.entries(prefix: "bank"))
        #expect(first.isBitIdentical(to: small.allRows))
        for (entries, dim) in [
            ([], 12), (entries, 11),
            ([SafetensorsEntry("bank.rows.0", .i64([1, 2]))], 12),
            ([SafetensorsEntry("bank.rows.0", .f32(Tensor(zeros: [0, 12])))], 12),
        ] as [([SafetensorsEntry], Int)] {
            #expect(throws: StorageError.self) { try read(entries, dim: dim) }
        }
    }

    @Test func `stored state that does not fit is refused`() {
        var bank = bank()
        #expect(throws: TableError.missing("bank.rows.0")) {
            try bank.restore([], prefix: "bank")
        }
        let short = SafetensorsEntry("bank.rows.0", .f32(Tensor(zeros: [699, 12])))
        #expect(throws: TableError.self) { try bank.restore([short], prefix: "bank") }
        let integers = SafetensorsEntry("bank.rows.0", .i64([1]))
        #expect(throws: TableError.self) { try bank.restore([integers], prefix: "bank") }
    }
}
