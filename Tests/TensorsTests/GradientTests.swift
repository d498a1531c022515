import Buffers
import Foundation
import Tensors
import Testing

@Suite struct GradientTests {
    /// What single precision allows.
    ///
    /// It leaves about 1e-7 / h = 4e-6 of the loss in a difference, and the truncation less. Sums
    /// over tens of outputs stay an order below this limit.
    static let limit = 5e-4

    @Test(arguments: gradientCases)
    func `the gradient equals central differences`(_ row: GradientCase) {
        let worst = row.worstError()
        #expect(worst < Self.limit, "\(row.testDescription): \(worst)")
    }

    /// A slice that is abandoned between forward and backward must not keep its activations.
    @Test(arguments: gradientCases)
    func `a tape that is dropped before its gradients holds on to nothing`(_ row: GradientCase) {
        let pool = BufferPool()
        #expect(row.lets(goOf: pool))
        // Once more takes nothing new: all of it has come back.
        let allocations = pool.counts.allocations
        #expect(row.lets(goOf: pool) && pool.counts.allocations == allocations)
    }

    @Test func `every operation is in the list of gradient cases`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Tensors/Operations")
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        var declared: Set<String> = []
        for file in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /public (?:static )?func ([A-Za-z0-9]+|[-+*\/]) ?\(/) {
                declared.insert(String(match.1))
            }
        }
        let tested = Set(gradientCases.map(\.operation))
        #expect(declared.count > 20)
        #expect(declared.subtracting(tested).sorted() == [])
        #expect(tested.subtracting(declared).sorted() == [])
    }
}
