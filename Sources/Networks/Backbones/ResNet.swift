public import Tensors

/// A residual network (He and others 2016), its parameters named as torchvision's: `conv1.weight`,
/// `bn1.weight`, `layer1.0.conv1.weight`, `layer2.0.downsample.0.weight`.
///
/// `fc` is no part of an encoder, and torchvision's `num_batches_tracked` is none of its buffers:
/// nothing is computed from them. Bottlenecks have their stride in the 3x3 convolution, as
/// torchvision's do.
public struct ResNet: Encoder {
    /// Depth, width and stem of a residual network.
    public struct Settings: Sendable, Hashable {
        /// How images come in.
        public enum Stem: String, Sendable, Hashable, CaseIterable {
            /// A 7x7 convolution of stride 2 and a 3x3 max pool of stride 2: torchvision's.
            case standard
            /// A 3x3 convolution of stride 1 and no pooling, for images of some 32 pixels.
            case small
        }

        /// What the blocks are made of.
        public var block: ResidualBlock.Kind
        /// The number of blocks in each layer.
        public var depths: [Int]
        /// The channels of the first layer's 3x3 convolutions; each layer has twice those before.
        public var width: Int
        /// How images come in.
        public var stem: Stem

        /// Settings of a residual network.
        public init(
            block: ResidualBlock.Kind, depths: [Int], width: Int = 64, stem: Stem = .standard
        ) {
            self.block = block
            self.depths = depths
            self.width = width
            self.stem = stem
        }

        /// ResNet-18: basic blocks, two in each of four layers.
        public static func resNet18(width: Int = 64, stem: Stem = .standard) -> Settings {
            Settings(block: .basic, depths: [2, 2, 2, 2], width: width, stem: stem)
        }

        /// ResNet-50: bottlenecks, 3, 4, 6 and 3 in four layers.
        public static func resNet50(width: Int = 64, stem: Stem = .standard) -> Settings {
            Settings(block: .bottleneck, depths: [3, 4, 6, 3], width: width, stem: stem)
        }
    }

    /// The channels of the last layer: 512 of ResNet-18, 2,048 of ResNet-50.
    public let featureWidth: Int
    private let stem: (convolution: Convolution2d, norm: BatchNorm2d)
    private let isPooled: Bool
    private let blocks: [ResidualBlock]

    /// Enters the network's parameters.
    ///
    /// - Parameter channels: of the images.
    public init(_ layout: inout ParameterLayout, _ settings: Settings, channels: Int) {
        precondition(
            settings.width > 0 && !settings.depths.isEmpty && settings.depths.allSatisfy { $0 > 0 },
            "a residual network of \(settings.depths) blocks and width \(settings.width)")
        isPooled = settings.stem == .standard
        stem = makeStage(
            &layout, convolution: "conv1", norm: "bn1", inputs: channels, outputs: settings.width,
            size: isPooled ? 7 : 3, stride: isPooled ? 2 : 1)
        var inputs = settings.width
        var blocks: [ResidualBlock] = []
        for (layer, depth) in settings.depths.enumerated() {
            let width = settings.width << layer
            for index in 0..<depth {
                blocks.append(
                    ResidualBlock(
                        &layout, name: "layer\(layer + 1).\(index)", settings.block,
                        inputs: inputs, width: width, stride: layer > 0 && index == 0 ? 2 : 1))
                inputs = width * settings.block.expansion
            }
        }
        self.blocks = blocks
        featureWidth = inputs
    }

    /// Images `[B, channels, H, W]` to features `[B, featureWidth]`.
    public func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable {
        var x = images.permuted([0, 2, 3, 1])  // [B, H, W, channels]
        x = stem.norm(stem.convolution(x, pass), pass, isRectified: true)
        if isPooled { x = maxPool2d(x, size: 3, stride: 2, padding: 1) }
        for block in blocks { x = block(x, pass) }
        return globalAveragePool(x)
    }
}
