internal import Identity
public import Optimizers
internal import Tensors
public import Wire

extension SliceResult {
    /// The result as it travels: `gradient`, `statistics`, then each `sum.NAME`, then each
    /// `rows.NAME`.
    ///
    /// The large ones share the result's memory.
    public var wireTensors: [WireTensor] {
        var tensors = [
            gradientTensor,
            WireTensor(name: "statistics", tensor: statistics),
        ]
        for sum in sums {
            tensors.append(WireTensor(name: "sum." + sum.name, doubles: [sum.value]))
        }
        for entry in rows.entries {
            tensors.append(WireTensor(name: "rows." + entry.name, tensor: entry.tensor))
        }
        return tensors
    }

    /// The gradient in the type of its precision.
    private var gradientTensor: WireTensor {
        switch precision {
        case .f32: WireTensor(name: "gradient", tensor: gradient)
        case .bf16:
            WireTensor(
                name: "gradient", type: .bf16, dims: gradient.shape.dims,
                buffer: gradient.bfloat16Bytes)
        }
    }

    /// The bytes of its tensors, as an offer states them.
    public var byteCount: Int {
        (precision == .bf16 ? 2 : 4) * gradient.count + 4 * statistics.count + 8 * sums.count
            + rows.entries.reduce(0) { $0 + 4 * $1.tensor.count }
    }

    /// The result in a message's body, without a copy of what is large.
    ///
    /// Whether names and shapes are the method's is for the caller to check.
    /// - Throws: a refusal `malformedBody` if a tensor is missing, out of order, twice, or of the
    ///   wrong type or rank.
    public init(wire tensors: [WireTensor]) throws(Refusal) {
        guard (2...MessageLimits.tensors).contains(tensors.count),
            tensors[0].name == "gradient", tensors[1].name == "statistics"
        else {
            throw Refusal(.malformedBody, "a result begins with gradient and statistics")
        }
        var sums: [Sum] = []
        var rows: [WireTensor] = []
        for tensor in tensors.dropFirst(2) {
            if tensor.name.hasPrefix("sum."), rows.isEmpty, tensor.dims == [1] {
                let name = String(tensor.name.dropFirst("sum.".count))
                sums.append(Sum(name: name, value: try tensor.doubles()[0]))
            } else if tensor.name.hasPrefix("rows."), tensor.dims.count == 2 {
                rows.append(tensor)
            } else {
                throw Refusal(
                    .malformedBody, "tensor \(tensor.name) \(tensor.dims) is no part of a result")
            }
        }
        guard Set(sums.map(\.name)).count == sums.count else {
            throw Refusal(.malformedBody, "a sum comes twice")
        }
        var named = NamedTensors()
        for entry in try NamedTensors(wire: rows).entries {
            named.append(String(entry.name.dropFirst("rows.".count)), entry.tensor)
        }
        let isRounded = tensors[0].type == .bf16
        let gradient =
            isRounded ? try Tensor(wireBFloat16: tensors[0]) : try Tensor(wire: tensors[0])
        let statistics = try Tensor(wire: tensors[1])
        guard gradient.shape.rank == 1, statistics.shape.rank == 1 else {
            throw Refusal(.malformedBody, "gradient and statistics have one axis")
        }
        self.init(
            gradient: gradient, statistics: statistics, sums: sums, rows: named,
            precision: isRounded ? .bf16 : .f32)
    }
}
