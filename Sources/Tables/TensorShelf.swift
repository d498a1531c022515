internal import Synchronization
internal import Tensors

/// Tensors that are taken and put back one by one, so that whoever has one may write to it without
/// a copy.
final class TensorShelf: Sendable {
    private let tensors: Mutex<[Tensor?]>

    /// A shelf with these tensors at the places 0, 1, ...
    init(_ tensors: [Tensor]) { self.tensors = Mutex(tensors) }

    /// Takes the tensor at a place.
    func take(_ place: Int) -> Tensor {
        guard let tensor = tensors.withLock({ $0[place].take() }) else {
            preconditionFailure("tensor \(place) was taken already")
        }
        return tensor
    }

    /// Puts a tensor to a place that is empty.
    func put(_ tensor: consuming Tensor, at place: Int) {
        let tensor = tensor
        tensors.withLock { tensors in
            precondition(tensors[place] == nil, "place \(place) is taken")
            tensors[place] = tensor
        }
    }

    /// All tensors, which are there again.
    func clear() -> [Tensor] {
        tensors.withLock { tensors in
            let all = tensors.compactMap(\.self)
            precondition(all.count == tensors.count, "a tensor was not put back")
            tensors = []
            return all
        }
    }
}
