import ArgumentParser
internal import Networks
internal import Optimizers
internal import Tensors

/// `bench resnet`: one training step of a residual network.
struct ResNetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resnet",
        abstract: "Training steps of residual networks: forward, backward, SGD with momentum.",
        discussion: """
            Case: resnet18-32 (ResNet-18 with a 3 x 3 stem on 32 x 32 x 3, batch 64, 128 outputs). \
            Batch norms take the statistics of a slice, PyTorch's those of the batch: --check \
            compares with one slice, --slice 64.

            Examples:
              deploy/bench resnet --peer python3
              deploy/bench resnet --slice 32 --seconds 20
              deploy/bench resnet --check --slice 64 --peer python3
            """)

    @OptionGroup var options: StepOptions

    func run() throws { try options.run(Self.cases) }

    private static let outputs = 128

    private static let cases = [
        StepCase(
            name: "resnet18-32", images: [64, 3, 32, 32], slice: 32,
            operations: 6 * 64 * forwardProducts(side: 32, channels: 3),
            rule: .sgd(SGDMomentum(momentum: 0.9, weightDecay: 1e-4)), rate: 0.01,
            peer: ("resnet.py", ["--image", "32", "--channels", "3", "--batch", "64"])
        ) {
            var layout = ParameterLayout()
            let encoder = ResNet(&layout, .resNet18(stem: .small), channels: 3)
            let network = ResNetWithOutputs(encoder, &layout, outputs: outputs)
            return MeasuredNetwork(encoder: network, layout: layout)
        }
    ]

    /// Multiply-adds of one image through ResNet-18 with the small stem, each convolution counted
    /// as the direct one.
    private static func forwardProducts(side: Int, channels: Int) -> Double {
        var (sum, side, inputs) = (9 * channels * 64 * side * side, side, 64)
        for layer in 0..<4 {
            let width = 64 << layer
            if layer > 0 {
                side /= 2
                sum += inputs * width * side * side
            }
            sum += 9 * (inputs + 3 * width) * width * side * side
            inputs = width
        }
        return Double(sum + inputs * outputs)
    }
}

/// A residual network with the linear layer that torchvision's has at its end.
private struct ResNetWithOutputs: Encoder {
    let featureWidth: Int
    private let encoder: ResNet
    private let fc: Linear

    init(_ encoder: ResNet, _ layout: inout ParameterLayout, outputs: Int) {
        self.encoder = encoder
        featureWidth = outputs
        let first = Initialiser.torchDefault(fanIn: encoder.featureWidth)
        fc = Linear(
            &layout, name: "fc", inputs: encoder.featureWidth, outputs: outputs, weight: first,
            bias: first)
    }

    func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable {
        fc(encoder(images, pass), pass)
    }
}
