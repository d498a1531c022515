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
    /// their way.
    ///
    /// They are to be fetched in this order; those that are left out are fetched for their hash
    /// alone.
    var observedArrays: [StateArray] {
        arrays.map { array in
            guard case .source(let source) = array.values else { return array }
            return StateArray(
                array.name,
                .source(HashedSource(shape: source.shape, name: array.name, digest: self)),
                change: array.change)
        }
    }

    /// The digest; sources that were not fetched are.
    func finish() -> Digest {
        state.withLock { state in
            while let _ = next(&state) {}
            return state.hasher.finalize()
        }
    }

    /// Fetches and hashes sources up to the one of this name.
    fileprivate func fetch(_ name: String) -> Tensor {
        state.withLock { state in
            while let (found, tensor) = next(&state) {
                if found == name { return tensor }
            }
            preconditionFailure("\(name) is fetched twice or out of order")
        }
    }

    /// Hashes what is in memory up to the next source, and that; nil at the end.
    private func next(_ state: inout State) -> (name: String, tensor: Tensor)? {
        while state.count < arrays.count {
            let array = arrays[state.count]
            state.count += 1
            switch array.values {
            case .source(let source):
                let tensor = source.take()
                ArraysDigest.hash(tensor, of: array.name, &state.hasher)
                return (array.name, tensor)
            case .floats(let tensor): ArraysDigest.hash(tensor, of: array.name, &state.hasher)
            case .integers(let values):
                state.hasher.update("\(array.name) i64 [\(values.count)]\n")
                for value in values {
                    state.hasher.update(
                        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
                }
            }
        }
        return nil
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
    let shape: Shape
    let name: String
    let digest: ArraysDigest

    func take() -> Tensor { digest.fetch(name) }
}

extension [StateArray] {
    /// The arrays in the order of their names' bytes.
    fileprivate var sortedByName: [StateArray] {
        sorted { Array<UInt8>($0.name.utf8).lexicographicallyPrecedes(Array<UInt8>($1.name.utf8)) }
    }
}
