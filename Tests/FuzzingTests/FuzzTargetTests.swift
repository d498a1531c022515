import Foundation
import Testing

@testable import Fuzzing

/// A target under its own name in the tests' output.
struct Named: Sendable, CustomTestStringConvertible {
    let target: any Target.Type
    var testDescription: String { target.name }

    static let all = FuzzTarget.all.map { Named(target: $0.target) }
}

@Suite struct FuzzTargetTests {
    private static let cases = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "Cases", directoryHint: .isDirectory)

    @Test(arguments: Named.all)
    func `the first sample is read, and no sample breaks a promise`(named: Named) throws {
        let seeds = try named.target.seeds()
        #expect(try named.target.run(#require(seeds.first)))
        for seed in seeds { _ = try named.target.run(seed) }
    }

    /// What once broke a promise, trapped, hung or took too much memory: one folder a target.
    @Test(arguments: Named.all)
    func `kept cases keep the promises`(named: Named) throws {
        let folder = Self.cases.appending(path: named.target.name).path
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            return  // nothing was found so far
        }
        for name in names.sorted() {
            let bytes = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
            #expect(throws: Never.self, "\(name)") { _ = try named.target.run([UInt8](bytes)) }
        }
    }

    @Test(arguments: Named.all)
    func `samples made right again after a change break no promise`(named: Named) throws {
        let target = named.target
        var drawn = Drawing(seed: 1)
        for seed in try target.seeds() {
            // Right already, or nothing to be made right.
            #expect(target.sealed(seed) == seed || target.name == "logs")
            for _ in 0..<(target.name == "chunks" ? 5 : 60) {
                let changed = drawn.changed(seed)
                for input in [changed, target.sealed(changed)] {
                    #expect(throws: Never.self, "\(input)") { _ = try target.run(input) }
                }
            }
        }
    }

    @Test func `a folder of cases belongs to a target`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.cases.path)
        for name in names where !name.hasPrefix(".") {
            #expect(FuzzTarget.all.contains { $0.name == name }, "Cases/\(name)")
        }
    }

    @Test func `too much memory and a broken promise are found`() throws {
        #expect(try Liar.run([0]) == false)
        #expect(try Liar.run([1]) == true)
        #expect(throws: BrokenPromise.self) { try Liar.run([2]) }
        #expect(throws: BrokenPromise.self) { try Liar.run([1]) { unmetered($0) + 101 } }
        #expect(try Liar.run([1]) { unmetered($0) + 100 } == true)
    }
}

/// Reads everything but 0 and promises that 2 never comes.
private enum Liar: Target {
    static let name = "liar"
    static func seeds() -> [[UInt8]] { [] }
    static func read(_ input: [UInt8]) -> UInt8? { input[0] == 0 ? nil : input[0] }
    static func check(_ content: UInt8, of input: [UInt8]) throws(BrokenPromise) {
        try promise(content != 2, "2 came")
    }
    static func bytesMax(_ input: [UInt8]) -> Int { 100 }
}

/// Changes to bytes, drawn by a seed.
private struct Drawing {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(limit, 1)
    }

    /// The bytes with up to four of them changed, taken out, or put in twice.
    mutating func changed(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(4) where !bytes.isEmpty {
            let place = below(bytes.count)
            switch below(4) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(bytes[place], at: place)
            case 2: bytes[place] ^= 1 << UInt8(below(8))
            default: bytes[place] = UInt8(below(256))
            }
        }
        return bytes
    }
}
