public import Tensors

/// Names in weight files that no encoder needs.
public enum WeightNames {
    /// Whether a tensor may be left aside: the classifier of timm (`head.*`) and of torchvision
    /// (`fc.*`), and torch's count of batches (`*.num_batches_tracked`), which is no number of the
    /// network.
    public static func isIgnored(_ name: String) -> Bool {
        name.hasPrefix("head.") || name.hasPrefix("fc.") || isBatchCount(name)
    }

    /// Whether the name is that of torch's count of batches, which goes with every batch norm.
    public static func isBatchCount(_ name: String) -> Bool {
        name.hasSuffix(".num_batches_tracked")
    }

    /// The name of torch's count of batches beside a running variance; nil for other buffers.
    public static func batchCount(besides buffer: String) -> String? {
        let suffix = "running_var"
        guard buffer.hasSuffix("." + suffix) else { return nil }
        return buffer.dropLast(suffix.count) + "num_batches_tracked"
    }
}

extension ParameterLayout {
    /// Flat parameters and buffers from tensors with the names of timm or torchvision.
    ///
    /// - Parameter tensors: exactly those of the layout, in any order; `WeightNames.isIgnored`
    ///   names the only others that may be among them.
    /// - Returns: `[flatCount]` and `[bufferLayout.flatCount]`.
    /// - Throws: every missing, unexpected, mis-shaped and unsound tensor at once.
    public func flatWeights(
        from tensors: NamedTensors
    ) throws(WeightMismatch) -> (parameters: Tensor, buffers: Tensor) {
        let byName = Dictionary(
            tensors.entries.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        var mismatch = WeightMismatch()
        let parts = parameters.found(in: byName, &mismatch)
        let bufferParts = bufferLayout.found(in: byName, &mismatch)
        let known = Set((parameters.entries + bufferLayout.entries).map(\.name))
        mismatch.unexpected = tensors.entries.map(\.name).filter {
            !known.contains($0) && !WeightNames.isIgnored($0)
        }
        guard mismatch.isEmpty else { throw mismatch }
        return (parameters.gathered(parts), bufferLayout.gathered(bufferParts))
    }

    /// All parameters, then all buffers, under their names, without a copy.
    ///
    /// - Parameters:
    ///   - parameters: flat, of this layout or one that begins with it.
    ///   - buffers: flat, of this layout or one that begins with it.
    public func named(parameters: Tensor, buffers: Tensor) -> NamedTensors {
        var tensors = NamedTensors()
        for (layout, flat) in [(self.parameters, parameters), (bufferLayout, buffers)] {
            for entry in layout.entries { tensors.append(entry.name, entry.view(of: flat)) }
        }
        return tensors
    }
}

extension FlatLayout {
    /// Flat values in which those of some entries are replaced by another layout's of their names.
    ///
    /// - Precondition: every entry of `part` is one of this layout, with the same shape.
    public func replacing(_ part: FlatLayout, by values: Tensor, in flat: Tensor) -> Tensor {
        var result = flat
        var span = result.mutableSpan
        let source = values.span
        for entry in part.entries {
            guard let index = index(named: entry.name), entries[index].shape == entry.shape else {
                preconditionFailure("\(entry.name) \(entry.shape) is not part of the network")
            }
            let offset = entries[index].offset
            for place in 0..<entry.shape.count {
                span[offset + place] = source[entry.offset + place]
            }
        }
        return result
    }

    /// The tensors of this layout; what is wrong with them is noted.
    fileprivate func found(
        in tensors: [String: Tensor], _ mismatch: inout WeightMismatch
    ) -> [Tensor?] {
        entries.map { entry in
            guard let tensor = tensors[entry.name] else {
                mismatch.missing.append(entry.name)
                return nil
            }
            guard tensor.shape == entry.shape else {
                mismatch.misshapen.append(
                    .init(name: entry.name, found: tensor.shape, expected: entry.shape))
                return nil
            }
            if !entry.isSound(tensor) { mismatch.unsound.append(entry.name) }
            return tensor
        }
    }
}

extension FlatLayout.Entry {
    /// This entry of a flat tensor that may be longer than the entry's layout, without a copy.
    fileprivate func view(of flat: Tensor) -> Tensor {
        precondition(range.upperBound <= flat.count, "\(name) lies behind \(flat.count) floats")
        return Tensor(viewing: flat.buffer, byteOffset: flat.byteOffset + 4 * offset, shape: shape)
    }

    /// Whether values are finite, and not negative where they are variances.
    fileprivate func isSound(_ tensor: Tensor) -> Bool {
        guard tensor.isFinite else { return false }
        guard role == .buffer, name.hasSuffix("running_var") else { return true }
        let values = tensor.span
        for index in 0..<values.count where values[index] < 0 { return false }
        return true
    }
}
