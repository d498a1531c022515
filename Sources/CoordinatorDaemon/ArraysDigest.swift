import Buffers
import Identity
import Methods
import Storage
import Synchronization
import Tensors

/// SHA-256 over arrays in the order of their names: name, type, shape and little-endian bits.
///
/// The order is by name because files keep their arrays in an order of their own. Arrays that are
/// fetched when they are written are hashed then: a file that has them in the order of their names
/// gives its digest in the one pass in which it is written.
final class ArraysDigest: Sendable {
    private let arrays: [StateArray]
    private let state = Mutex(State())

    private struct State {
        var hasher = SHA256Hasher()
        /// Arrays that are hashed.
        var count = 0
    }

    /// A digest of these arrays.
    init(_ arrays: [StateArray]) { self.arrays = arrays.sortedByName }

    /// The same arrays in the order of their names, of which those that are fetched are hashed on
    /// their way: they are to be fetched in this order.
    var observedArrays: [StateArray] {
        arrays.map { array in
            guard case .source(let source) = array.values else { return array }
            return StateArray(
                array.name, .source(HashedSource(source: source, name: array.name, digest: self)))
        }
    }

    /// The digest, once every source was fetched.
    func finish() -> Digest {
        state.withLock { state in
            hashValues(&state)
            precondition(
                state.count == arrays.count, "\(arrays[state.count].name) was not fetched")
            return state.hasher.finalize()
        }
    }

    fileprivate func hash(_ tensor: Tensor, of name: String) {
        state.withLock { state in
            hashValues(&state)
            precondition(arrays[state.count].name == name, "\(name) is fetched out of order")
            ArraysDigest.hash(tensor, of: name, &state.hasher)
            state.count += 1
        }
    }

    /// Hashes what is in memory, up to the next array that is not.
    private func hashValues(_ state: inout State) {
        while state.count < arrays.count {
            let array = arrays[state.count]
            switch array.values {
            case .source: return
            case .floats(let tensor): ArraysDigest.hash(tensor, of: array.name, &state.hasher)
            case .integers(let values):
                state.hasher.update("\(array.name) i64 [\(values.count)]\n")
                for value in values {
                    state.hasher.update(
                        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
                }
            }
            state.count += 1
        }
    }

    private static func hash(_ tensor: Tensor, of name: String, _ hasher: inout SHA256Hasher) {
        hasher.update("\(name) f32 \(tensor.shape.dims)\n")
        let bytes = tensor.buffer.bytes
        hasher.update(
            bytes.extracting(tensor.byteOffset..<(tensor.byteOffset + 4 * tensor.count)))
    }
}

/// A source whose floats are hashed when they are fetched.
private struct HashedSource: FloatSource {
    let source: any FloatSource
    let name: String
    let digest: ArraysDigest

    var shape: Shape { source.shape }

    func take() -> Tensor {
        let tensor = source.take()
        digest.hash(tensor, of: name)
        return tensor
    }
}

extension [StateArray] {
    /// The arrays in the order of their names' bytes.
    fileprivate var sortedByName: [StateArray] {
        sorted { Array<UInt8>($0.name.utf8).lexicographicallyPrecedes(Array<UInt8>($1.name.utf8)) }
    }
}
