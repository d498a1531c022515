internal import Threads

/// Updates three vectors of one length part by part, on several threads.
///
/// - Parameters:
///   - x: a vector; `y` and `z` are as long, or empty where there is nothing to update.
///   - parts: disjoint ranges of the vectors.
///   - threads: threads at work, the calling one included.
///   - body: gets the number of a part and the vectors' elements in it. Each part is updated once,
///     by whichever thread, so a part's result must depend on the part alone.
@_lifetime(x: copy x) @_lifetime(y: copy y) @_lifetime(z: copy z)
public func updateParts(
    _ x: inout MutableSpan<Float>, _ y: inout MutableSpan<Float>, _ z: inout MutableSpan<Float>,
    parts: [Range<Int>], threads: Int,
    _ body:
        @escaping @Sendable (
            Int, inout MutableSpan<Float>, inout MutableSpan<Float>, inout MutableSpan<Float>
        ) -> Void
) {
    let count = x.count
    precondition(
        (y.isEmpty || y.count == count) && (z.isEmpty || z.count == count),
        "vectors of \(count), \(y.count) and \(z.count) elements")
    var end = 0
    for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) where !part.isEmpty {
        precondition(part.lowerBound >= end && part.upperBound <= count, "parts that overlap")
        end = part.upperBound
    }
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe y.withUnsafeMutableBufferPointer { y in
            unsafe z.withUnsafeMutableBufferPointer { z in
                let vectors = unsafe SharedVectors(x: x, y: y, z: z)
                _ = mapBlocks(count: parts.count, threads: threads) { index in
                    vectors.withPart(parts[index]) { body(index, &$0, &$1, &$2) }
                }
            }
        }
    }
}

/// Three vectors that threads write to at the same time.
///
/// Proof of `Sendable`: it lives within `updateParts`, which returns when every part is done, has
/// the vectors for itself meanwhile, and gives no two threads the same element.
@safe private struct SharedVectors: @unchecked Sendable {
    let x: UnsafeMutableBufferPointer<Float>
    let y: UnsafeMutableBufferPointer<Float>
    let z: UnsafeMutableBufferPointer<Float>

    func withPart(
        _ part: Range<Int>,
        _ body: (
            inout MutableSpan<Float>, inout MutableSpan<Float>, inout MutableSpan<Float>
        ) -> Void
    ) {
        var xPart = unsafe MutableSpan(_unsafeElements: x.extracting(part))
        var yPart = unsafe MutableSpan(_unsafeElements: y.extracting(y.isEmpty ? 0..<0 : part))
        var zPart = unsafe MutableSpan(_unsafeElements: z.extracting(z.isEmpty ? 0..<0 : part))
        body(&xPart, &yPart, &zPart)
    }
}
