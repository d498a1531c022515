import Foundation
import Processes

/// Descriptors and memory of a training's processes, as a soak watches them.
actor ProcessWatch {
    /// Descriptors are looked at for so long, since clients and checkpoints come and go.
    private static let descriptorTries = 20
    private static let descriptorPause = Duration.milliseconds(50)
    /// After healing they are given so many of such looks to be as before.
    private static let settleRounds = 8

    private var lives: [Int32: ProcessMemory] = [:]
    private var before: [Int32: Int] = [:]
    /// Descriptors that were more after a fault than before, with their process.
    private(set) var leaks: [String] = []
    private(set) var measurements = 0

    /// Takes memory down until cancelled.
    func watchMemory(_ training: Training) async throws {
        while true {
            for (name, process) in await Self.processes(of: training) {
                guard let size = Self.residentKiB(of: process.identifier) else { continue }
                lives[process.identifier, default: ProcessMemory(name: name)]
                    .note(residentKiB: size, at: training.now)
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Counts descriptors before a fault.
    func measureBefore(_ training: Training) async throws {
        before = try await descriptors(training)
    }

    /// Counts them after its healing, in processes that lived through it.
    func measureAfter(_ training: Training) async throws {
        for round in 1...Self.settleRounds {
            let after = try await descriptors(training)
            let more = after.filter { id, count in before[id].map { count > $0 } ?? false }
            if more.isEmpty || round == Self.settleRounds {
                measurements += 1
                for id in more.keys.sorted() {
                    let name = lives[id]?.name ?? "process \(id)"
                    leaks.append("\(name): \(before[id] ?? 0) before, \(more[id] ?? 0) after")
                }
                return
            }
        }
    }

    /// The growth of every life that lasted long enough, and how many did not.
    var growth: (lives: [(processID: Int32, MemoryGrowth)], tooShort: Int) {
        let found = lives.keys.sorted().compactMap { id in
            lives[id]?.growth.map { (processID: id, $0) }
        }
        return (found, lives.count - found.count)
    }

    /// The smallest number of open descriptors of each process over a while.
    private func descriptors(_ training: Training) async throws -> [Int32: Int] {
        var least: [Int32: Int] = [:]
        for _ in 0..<Self.descriptorTries {
            for (_, process) in await Self.processes(of: training) {
                let id = process.identifier
                guard let count = Self.descriptorCount(of: id) else { continue }
                least[id] = min(count, least[id] ?? count)
            }
            try await Task.sleep(for: Self.descriptorPause)
        }
        return least
    }

    private static func processes(of training: Training) async -> [(String, ChildProcess)] {
        var found: [(String, ChildProcess)] = []
        if let coordinator = await training.coordinator {
            found.append(("coordinator", coordinator))
        }
        for number in 1...training.options.workers {
            if let process = await training.workers.process(number) {
                found.append(("w\(number)", process))
            }
        }
        return found
    }

    /// Open descriptors of a process; nil if it is gone.
    static func descriptorCount(of id: Int32) -> Int? {
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd").count
    }

    /// Resident memory of a process; nil if it is gone.
    static func residentKiB(of id: Int32) -> Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(id)/status") else {
            return nil
        }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("VmRSS:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
}
