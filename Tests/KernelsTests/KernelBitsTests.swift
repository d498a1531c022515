import Buffers
import Foundation
import Kernels
import Testing

@Suite struct KernelBitsTests {
    static let count = 61

    /// Ordinary numbers, denormals, zeros, infinities and NaN.
    static func inputs(_ seed: UInt32) -> [Float] {
        var state = seed
        var values = (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int32(bitPattern: state) >> 8) * 0x1p-21
        }
        values[3] = 0x1p-140
        values[17] = -0.0
        values[18] = .infinity
        values[29] = .nan
        values[41] = -90
        values[50] = 1e5
        return values
    }

    @Test(arguments: elementwiseKernels)
    func `an element gets the same bits at every offset and in every length`(
        _ kernel: ElementwiseKernel
    ) {
        let (x, y) = (Self.inputs(1), Self.inputs(2))
        let old = Self.inputs(3)
        let whole = run(kernel, old, x, y)
        for first in 0..<17 {
            for end in first...Self.count {
                let part = run(
                    kernel, Array(old[first..<end]), Array(x[first..<end]), Array(y[first..<end]))
                for (index, value) in part.enumerated() {
                    let expected = whole[first + index]
                    guard value.bitPattern != expected.bitPattern else { continue }
                    // The sign and payload of a NaN are no result.
                    #expect(value.isNaN && expected.isNaN, "\(first)..<\(end), element \(index)")
                }
            }
        }
    }

    @Test func `memory at any alignment gives the same bits`() {
        let x = Self.inputs(4)
        var results: [[UInt32]] = []
        for shift in 0..<9 {
            let buffer = AlignedBuffer(byteCount: 4 * (Self.count + 16))
            var floats = buffer.mutableFloats
            for (index, value) in x.enumerated() { floats[shift + index] = value }
            var result = [Float](repeating: 0, count: Self.count)
            var span = result.mutableSpan
            Vector.gelu(buffer.floats.extracting(shift..<(shift + Self.count)), into: &span)
            results.append(result.map(\.bitPattern))
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    @Test func `every kernel over vectors is in the manifest`() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Kernels")
        var declared: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(
            at: sources, includingPropertiesForKeys: nil)
        {
            let name = file.lastPathComponent
            guard name.hasPrefix("Vector") || name == "OptimizerLoops.swift" else { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /public static func ([A-Za-z0-9]+)/) {
                declared.insert(String(match.1))
            }
        }
        let listed = Set(elementwiseKernels.map(\.name)).union(reductionKernels)
        #expect(declared.count > 25)
        #expect(declared.subtracting(listed).sorted() == [])
        #expect(listed.subtracting(declared).sorted() == [])
    }

    /// `Blocks` alone is left out: it moves floats and computes nothing.
    @Test func `every kernel is in the canary`() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Kernels")
        let files = try FileManager.default.contentsOfDirectory(
            at: sources, includingPropertiesForKeys: nil)
        func text(_ file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }
        let canary = try files.filter { $0.lastPathComponent.hasPrefix("NumericsCanary") }
            .map(text).joined()
        var count = 0
        for file in files {
            let families = [
                "Vector", "Rows", "Channels", "OptimizerLoops", "BLAS", "PanelProduct",
            ]
            guard let family = families.first(where: { file.lastPathComponent.hasPrefix($0) })
            else { continue }
            let declared = /public (static )?(mutating )?func ([A-Za-z0-9]+)/
            for match in try text(file).matches(of: declared) {
                let call = match.1 == nil ? "\(match.3)(" : "\(family).\(match.3)("
                guard !kernelParts.contains(String(match.3)) else { continue }
                #expect(canary.contains(call), "\(call)...) is missing")
                count += 1
            }
        }
        #expect(count > 50)
    }

    private func run(
        _ kernel: ElementwiseKernel, _ old: [Float], _ x: [Float], _ y: [Float]
    ) -> [Float] {
        var result = old
        var span = result.mutableSpan
        kernel.run(&span, x.span, y.span)
        return result
    }
}
