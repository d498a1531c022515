import Foundation
import Tensors
import Testing

/// One case of `Fixtures/torch_layers.json`, which `make_torch_layers.py` writes.
private struct GoldenLayer: Decodable {
    struct Values: Decodable {
        let shape: [Int]
        let values: [Float]

        var tensor: Tensor { Tensor(values, shape: Shape(shape)) }
    }

    enum Number: Decodable {
        case one(Double)
        case list([Int])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let list = try? container.decode([Int].self) {  // else it is a single number
                self = .list(list)
            } else {
                self = .one(try container.decode(Double.self))
            }
        }
    }

    let numbers: [String: Number]
    let inputs: [String: Values]
    let outputs: [String: Values]
    let gradients: [String: Values]

    func number(_ name: String) -> Double {
        if case .one(let value)? = numbers[name] { value } else { .nan }
    }

    func list(_ name: String) -> [Int] {
        if case .list(let value)? = numbers[name] { value } else { [] }
    }
}

/// What a layer computes from its inputs: a variable to differentiate, and further results.
private typealias Layer =
    @Sendable (GoldenLayer, [String: Variable]) throws -> (Variable, [String: Tensor])

@Suite struct TorchLayersGoldenTests {
    /// Single precision differs between two correct orders of summation by about 1e-6.
    static let limit = 1e-5

    private static let layers: [(prefix: String, layer: Layer)] = [
        (
            "layerNorm",
            { golden, v in
                let y = layerNorm(
                    try named("x", v), weight: try named("weight", v), bias: try named("bias", v),
                    epsilon: Float(golden.number("epsilon")))
                return (y, [:])
            }
        ),
        (
            "attention",
            { golden, v in
                let qkv = linear(
                    try named("x", v), weight: try named("qkv.weight", v),
                    bias: try named("qkv.bias", v))
                let heads = selfAttention(qkv, heads: Int(golden.number("heads")))
                let y = linear(
                    heads, weight: try named("proj.weight", v), bias: try named("proj.bias", v))
                return (y, [:])
            }
        ),
        (
            "mlp",
            { _, v in
                let hidden = linear(
                    try named("x", v), weight: try named("fc1.weight", v),
                    bias: try named("fc1.bias", v))
                let y = linear(
                    gelu(hidden), weight: try named("fc2.weight", v), bias: try named("fc2.bias", v)
                )
                return (y, [:])
            }
        ),
        (
            "convolution",
            { golden, v in
                let y = convolution2d(
                    try named("x", v).permuted([0, 2, 3, 1]), weight: try named("weight", v),
                    stride: Int(golden.number("stride")), padding: Int(golden.number("padding")))
                return (addBroadcast(y, try named("bias", v)).permuted([0, 3, 1, 2]), [:])
            }
        ),
        (
            "batchNorm",
            { golden, v in
                let result = batchNorm2d(
                    try named("x", v).permuted([0, 2, 3, 1]), weight: try named("weight", v),
                    bias: try named("bias", v), epsilon: Float(golden.number("epsilon")))
                return (
                    result.output.permuted([0, 3, 1, 2]),
                    ["mean": result.mean, "variance": result.variance]
                )
            }
        ),
        (
            "crossEntropy",
            { golden, v in
                (crossEntropy(try named("x", v), targets: golden.list("targets")), [:])
            }
        ),
        ("unitLength", { _, v in (l2Normalized(try named("x", v)), [:]) }),
        ("logSumExp", { _, v in (logSumExp(try named("x", v)), [:]) }),
    ]

    @Test func `layers and their gradients equal PyTorch's`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/torch_layers.json")
        let cases = try JSONDecoder().decode(
            [String: GoldenLayer].self, from: try Data(contentsOf: file))
        #expect(cases.count == 11)
        for (name, golden) in cases.sorted(by: { $0.key < $1.key }) {
            let layer = try #require(Self.layers.first { name.hasPrefix($0.prefix) }, "\(name)")
            let worst = try worstError(of: layer.layer, golden)
            print("golden layer \(name): worst \(worst)")
            #expect(worst < Self.limit, "\(name)")
        }
    }

    /// The largest difference of an output or gradient, as a fraction of that tensor's largest
    /// element.
    private func worstError(of layer: Layer, _ golden: GoldenLayer) throws -> Double {
        let tape = Tape()
        let names = golden.gradients.keys.sorted()
        var variables: [String: Variable] = [:]
        for name in names {
            variables[name] = tape.leaf(try #require(golden.inputs[name]).tensor)
        }
        let (y, others) = try layer(golden, variables)
        var results = others
        results["y"] = y.value
        var worst = 0.0
        for (name, expected) in golden.outputs {
            worst = max(worst, difference(try #require(results[name]), expected.tensor))
        }
        let cotangent = try #require(golden.inputs["cotangent"]).tensor
        let leaves = try names.map { try named($0, variables) }
        let gradients = tape.gradients(of: [(y, cotangent)], for: leaves)
        for (name, gradient) in zip(names, gradients) {
            let expected = try #require(golden.gradients[name]).tensor
            worst = max(worst, difference(gradient, expected))
        }
        return worst
    }

    private func difference(_ x: Tensor, _ expected: Tensor) -> Double {
        guard x.shape == expected.shape else { return .infinity }
        let scale = expected.values.map { Double($0.magnitude) }.reduce(1e-3, max)
        return zip(x.values, expected.values)
            .map { (Double($0) - Double($1)).magnitude / scale }.reduce(0, max)
    }
}

private func named(_ name: String, _ variables: [String: Variable]) throws -> Variable {
    try #require(variables[name], "\(name)")
}
