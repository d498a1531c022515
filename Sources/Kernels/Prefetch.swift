import Buffers
import CInstructions

/// Calls for memory that is wanted soon.
///
/// Rows that lie anywhere are no stream that a processor would see coming. Decides no bit.
public enum Prefetch {
    /// Floats of a cache line.
    private static let lineFloats = 16

    /// Begins to bring the lines of some floats near, to be read.
    @inline(__always)
    public static func read(_ x: Span<Float>) {
        unsafe x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return }
            for place in stride(from: 0, to: x.count, by: lineFloats) {
                unsafe prefetch_for_reading(start + place)
            }
        }
    }

    /// Begins to bring the lines of some floats near, to be read and written.
    @inline(__always)
    public static func write(_ x: Span<Float>) {
        unsafe x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return }
            for place in stride(from: 0, to: x.count, by: lineFloats) {
                unsafe prefetch_for_writing(start + place)
            }
        }
    }
}
