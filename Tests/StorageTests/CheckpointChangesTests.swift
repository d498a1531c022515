import Buffers
import Identity
import Storage
import Tensors
import Testing

/// A state that moves step by step: a matrix of which some rows change, one that grows, a list that
/// grows, and a count.
private struct MovingState {
    var rows = Tensor((0..<60).map { Float($0) }, shape: [20, 3])
    var moments = Tensor([], shape: [0, 3])
    var touched: [Int64] = []
    var count: Int64 = 0
    /// Rows that changed since the base, and how long the list was there.
    var changed: Set<Int32> = []
    var firstSlot = 0

    /// Two rows move, of which one may be new.
    mutating func advance() {
        count += 1
        for row in [(count * 7) % 20, (count * 3) % 20] {
            if !touched.contains(row) {
                touched.append(row)
                moments = moments.concatenatedRows(with: Tensor(zeros: [1, 3]))
            }
            let slot = touched.firstIndex(of: row) ?? 0
            var (w, m) = (rows.values, moments.values)
            for column in 0..<3 {
                w[3 * Int(row) + column] += Float(count) * 0.25
                m[3 * slot + column] -= Float(count)
            }
            rows = Tensor(w, shape: rows.shape)
            moments = Tensor(m, shape: moments.shape)
            changed.insert(Int32(row))
        }
    }

    mutating func beginBase() { (changed, firstSlot) = ([], touched.count) }

    var arrays: [ChangedArray] {
        let slots = changed.compactMap { row in touched.firstIndex(of: Int64(row)) }
        return [
            ChangedArray(SafetensorsEntry("rows", .f32(rows)), .rows(changed.sorted())),
            ChangedArray(
                SafetensorsEntry("moments", .f32(moments)),
                firstSlot == 0 ? .whole : .rows(slots.map { Int32($0) }.sorted())),
            ChangedArray(SafetensorsEntry("touched", .i64(touched)), .tail(from: firstSlot)),
            ChangedArray(SafetensorsEntry("count", .i64([count]))),
        ]
    }

    /// The state after so many steps.
    init(_ steps: Int) { for _ in 0..<steps { advance() } }

    func isSame(as arrays: [ChangedArray]) -> Bool {
        let values = Dictionary(
            uniqueKeysWithValues: arrays.map { ($0.entry.name, $0.entry.value) })
        guard case .f32(let rows)? = values["rows"], case .f32(let moments)? = values["moments"],
            case .i64(let touched, _)? = values["touched"],
            case .i64(let count, _)? = values["count"]
        else { return false }
        return values.count == 4 && rows.isBitIdentical(to: self.rows)
            && moments.isBitIdentical(to: self.moments) && touched == self.touched
            && count == [self.count]
    }
}

/// Checkpoints that hold what has changed since an earlier one.
@Suite struct CheckpointChangesTests {
    private static let file = "t.safetensors"
    private static let changes = "t.changes.safetensors"

    private func store(_ disk: SimulatedDisk, keep: Int = 2) throws -> CheckpointStore {
        try CheckpointStore(directory: "/c", keptCount: keep, fileSystem: disk)
    }

    /// Writes the checkpoints of these steps of a state that moves; those in `bases` are whole.
    private func write(
        _ store: CheckpointStore, _ steps: ClosedRange<Int>, bases: Set<Int>,
        done: (Int) -> Void = { _ in }
    ) throws(StorageError) {
        let first = bases.filter { $0 < steps.lowerBound }.max()
        var state = MovingState(first ?? 0)
        state.beginBase()
        var base = first
        for step in (first ?? 0) + 1...steps.upperBound {
            state.advance()
            let isBase = bases.contains(step)
            if isBase { state.beginBase() }
            guard steps.contains(step) else { continue }
            try store.write(
                step: step, base: isBase ? nil : base,
                files: [("m", .bytes([UInt8(step)])), (Self.file, .changes(state.arrays))],
                digests: [NamedDigest("all", sha256("\(step)"))],
                logs: [LogLength("ledger", step)], createdBy: "tests")
            if isBase { base = step }
            done(step)
        }
    }

    /// The step of the newest whole checkpoint, having held all it has against what it should.
    private func newestStep(_ store: CheckpointStore) throws -> Int? {
        let (found, _) = try store.newest { checkpoint throws(StorageError) in
            _ = try checkpoint.read("m")
            return (checkpoint.step, try checkpoint.changedArrays(Self.file))
        }
        guard let (step, arrays) = found else { return nil }
        #expect(MovingState(step).isSame(as: arrays), "step \(step)")
        return step
    }

    @Test func `base and changes put together are the whole state`() throws {
        for last in 2...12 {
            let disk = SimulatedDisk()
            let store = try store(disk)
            try write(store, 1...last, bases: [1])
            let checkpoint = try #require(try store.newest().checkpoint)
            #expect(checkpoint.step == last && checkpoint.base?.step == 1)
            #expect(checkpoint.has(Self.changes) && !checkpoint.has(Self.file))
            let arrays = try checkpoint.changedArrays(Self.file)
            let state = MovingState(last)
            #expect(state.isSame(as: arrays))
            // What is said to differ from the base is what differs.
            var counted = MovingState(1)
            counted.beginBase()
            for _ in 1..<last { counted.advance() }
            for array in arrays {
                let expected = counted.arrays.first { $0.entry.name == array.entry.name }
                #expect(array.change == expected?.change, "\(array.entry.name)")
            }
            try expectStreamed(checkpoint.streamed(Self.file), state)
        }
    }

    /// Every part of a file that stays on disk is that of the whole.
    private func expectStreamed(_ file: StreamedSafetensors, _ state: MovingState) throws {
        #expect(Set(file.names) == ["rows", "moments", "touched", "count"])
        for (name, tensor) in [("rows", state.rows), ("moments", state.moments)] {
            #expect(try file.dims(name) == tensor.shape.dims && file.type(name) == .f32)
            #expect(try file.byteCount(of: name) == 4 * tensor.count)
            for first in 0...tensor.shape[0] {
                for end in first...tensor.shape[0] {
                    let part = try file.rows(first..<end, of: name)
                    #expect(part.isBitIdentical(to: tensor.rows(first..<end)))
                }
            }
        }
        #expect(try file.dims("touched") == [state.touched.count])
        for first in 0...state.touched.count {
            for end in first...state.touched.count {
                let part = try file.integers(first..<end, of: "touched")
                #expect(part == Array(state.touched[first..<end]))
            }
        }
        #expect(try file.integers(0..<1, of: "count") == [state.count])
    }

    @Test func `what differs takes the bytes that are counted`() throws {
        let disk = SimulatedDisk()
        try write(try store(disk), 1...4, bases: [1])
        var state = MovingState(1)
        state.beginBase()
        for _ in 0..<3 { state.advance() }
        func dataBytes(_ path: String) throws -> Int {
            let file = try StreamedSafetensors(path, fileSystem: disk)
            return try file.names.reduce(0) { try $0 + file.byteCount(of: $1) }
        }
        #expect(try dataBytes("/c/step-4/\(Self.changes)") == state.arrays.changeByteCount)
        #expect(try dataBytes("/c/step-1/\(Self.file)") == MovingState(1).arrays.byteCount)
        #expect(state.arrays.changeByteCount < state.arrays.byteCount)
    }

    @Test(arguments: [
        ([1], 5, ["step-1", "step-4", "step-5"]),
        ([1, 4], 5, ["step-1", "step-3", "step-4", "step-5"]),
        ([1, 4], 8, ["step-1", "step-3", "step-4", "step-7", "step-8"]),
        ([1, 4, 8], 8, ["step-4", "step-7", "step-8"]),
        ([1, 4, 8], 9, ["step-4", "step-7", "step-8", "step-9"]),
        ([1, 2, 3, 4], 4, ["step-3", "step-4"]),
        ([1, 2, 3, 4], 5, ["step-3", "step-4", "step-5"]),
    ])
    func `bases are kept, and something that no single file can take away`(
        bases: [Int], last: Int, left: [String]
    ) throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1...last, bases: Set(bases))
        #expect(try disk.list("/c") == left)
        #expect(try newestStep(store) == last)
    }

    @Test func `whichever file is damaged, the newest that does without it is loaded`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1...8, bases: [1, 4])
        // Left are 1, 3 on 1, 4, 7 on 4, 8 on 4.
        for (step, expected) in [(8, 7), (4, 3)] {
            // Of the base nothing else is needed.
            let paths = try disk.allFiles("/c/step-\(step)").filter {
                step == 8 || !$0.hasSuffix("/m")
            }
            #expect(paths.count >= 2)
            for path in paths {
                let byteCount = try disk.readFile(path, upTo: 1 << 20).count
                for offset in [0, byteCount / 2, byteCount - 1] {
                    try disk.flip(path, at: offset, mask: 4)
                    #expect(try newestStep(store) == expected, "byte \(offset) of \(path)")
                    let rejected = try store.newest().rejected
                    #expect(rejected.map(\.step) == (expected == 7 ? [8] : [8, 7, 4]))
                    #expect(rejected.allSatisfy { $0.file == path }, "\(rejected)")
                    try disk.flip(path, at: offset, mask: 4)
                }
            }
        }
        #expect(try newestStep(store) == 8)
        // Set aside, they leave a store that goes on.
        try disk.flip("/c/step-4/\(Self.file)", at: 100, mask: 1)
        try store.setAside(store.newest().rejected)
        #expect(try newestStep(store) == 3)
        try write(store, 5...6, bases: [1, 5])
        #expect(try newestStep(store) == 6)
    }

    @Test func `a base that is another one than it was is refused`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1...2, bases: [1])
        try store.write(
            step: 1, files: [(Self.file, .changes(MovingState(5).arrays))], digests: [],
            createdBy: "tests")
        let rejected = try store.newest().rejected
        #expect(rejected.map(\.step) == [2])
        #expect(rejected[0].reason == "is not the checkpoint that step 2 is based on")
        #expect(throws: StorageError.self) { try write(store, 9...9, bases: [7]) }
    }

    private static let survivals: [SimulatedDisk.Survival] = [
        .nothing, .everything, .drawn(seed: 1, blockBytes: 512), .drawn(seed: 2, blockBytes: 4096),
        .drawn(seed: 3, blockBytes: 512),
    ]

    @Test(arguments: survivals)
    func `a power cut at any operation loses no checkpoint that was written`(
        survival: SimulatedDisk.Survival
    ) throws {
        let trial = SimulatedDisk()
        try write(try store(trial), 1...7, bases: [1, 4])
        for cut in 0..<trial.operationCount {
            let disk = SimulatedDisk()
            disk.cutPower(at: cut)
            var done = 0
            do {
                try write(store(disk), 1...7, bases: [1, 4]) { done = $0 }
                Issue.record("the power was not cut at \(cut)")
            } catch { /* the power cut that is tried */  }
            let after = disk.restart(survival)
            let recovered = try store(after)
            let found = try newestStep(recovered) ?? 0
            #expect(found == done || found == done + 1, "cut at \(cut)")
            #expect(try recovered.newest().rejected.isEmpty, "cut at \(cut)")
            let bases: Set<Int> = found == 0 ? [1, 4] : found < 4 ? [1, 4] : [4]
            try write(recovered, (found + 1)...8, bases: bases)
            #expect(try newestStep(recovered) == 8)
            #expect(try after.list("/c").allSatisfy { $0.hasPrefix("step-") })
        }
    }

    @Test func `changes that do not fit their base are refused`() throws {
        func rows(_ count: Int, columns: Int = 3) -> SafetensorsEntry {
            SafetensorsEntry("rows", .f32(Tensor(zeros: [count, columns])))
        }
        func list(_ name: String, _ values: [Int64]) -> SafetensorsEntry {
            SafetensorsEntry(name, .i64(values))
        }
        let forgeries: [[SafetensorsEntry]] = [
            [rows(2), list("rows.places", [3, 3])], [rows(2), list("rows.places", [4, 3])],
            [rows(2), list("rows.places", [3])], [rows(1), list("rows.places", [-1])],
            [rows(1), list("rows.places", [21])], [rows(2), list("rows.places", [20, 22])],
            [rows(1), list("rows.places", [Int64.max])],
            [rows(1, columns: 4), list("rows.places", [3])], [list("rows.places", [3])],
            [list("touched", [1]), list("touched.first", [99])],
            [list("touched", [1]), list("touched.first", [-1])],
            [list("touched", [1]), list("touched.first", [1, 1])],
            [list("touched", [1]), list("touched.places", [1])],
            [list("rows", [1]), list("rows.places", [1])],
        ]
        for forgery in forgeries {
            let disk = SimulatedDisk()
            let store = try store(disk)
            try write(store, 1...1, bases: [1])
            try store.write(
                step: 2, base: 1, files: [(Self.changes, .safetensors(forgery))], digests: [],
                createdBy: "tests")
            #expect(try newestStep(store) == 1, "\(forgery)")
            let checkpoint = try store.checkpoint(step: 2)
            #expect(throws: StorageError.self) { try checkpoint.changedArrays(Self.file) }
            #expect(throws: StorageError.self) {
                let file = try checkpoint.streamed(Self.file)
                for name in file.names where try file.type(name) == .f32 {
                    _ = try file.rows(0..<1, of: name)
                }
                _ = try file.integers(0..<1, of: "touched")
            }
        }
    }
}
