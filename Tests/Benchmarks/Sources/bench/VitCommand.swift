import ArgumentParser
internal import Networks
internal import Optimizers
internal import Tensors

/// `bench vit`: one training step of a vision transformer.
struct VitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vit",
        abstract: "Training steps of vision transformers: forward, backward, AdamW.",
        discussion: """
            Cases: vit-192-6 (28 x 28 x 1, patch 4, width 192, depth 6, batch 128), vit-96-4 \
            (width 96, depth 4, batch 256), vit-s16 (ViT-S/16 on 224 x 224 x 3, batch 8). The \
            loss is the mean of the squared features; no token is left out.

            Examples:
              deploy/bench vit --peer python3
              deploy/bench vit --case vit-s16 --slice 4
              deploy/bench vit --check --peer python3
            """)

    @OptionGroup var options: StepOptions

    func run() throws { try options.run(Self.cases) }

    private static let cases = [
        makeCase("vit-192-6", side: 28, channels: 1, batch: 128, slice: 16) {
            $0.patch = 4
            $0.width = 192
            $0.depth = 6
            $0.heads = 3
        },
        makeCase("vit-96-4", side: 28, channels: 1, batch: 256, slice: 16) {
            $0.patch = 4
            $0.width = 96
            $0.depth = 4
            $0.heads = 3
        },
        makeCase("vit-s16", side: 224, channels: 3, batch: 8, slice: 4) {
            $0.patch = 16
            $0.width = 384
            $0.depth = 12
            $0.heads = 6
        },
    ]

    /// A vision transformer with class token, as timm makes it.
    private static func makeCase(
        _ name: String, side: Int, channels: Int, batch: Int, slice: Int,
        _ configure: (inout VisionTransformer.Settings) -> Void
    ) -> StepCase {
        var settings = VisionTransformer.Settings(pooling: .classToken, initialisation: .timm)
        configure(&settings)
        let made = settings
        let tokens = Double((side / made.patch) * (side / made.patch) + 1)
        let (width, depth) = (Double(made.width), Double(made.depth))
        let forwardProducts =
            tokens * 12 * depth * width * width + 2 * depth * tokens * tokens * width
        return StepCase(
            name: name, images: [batch, channels, side, side], slice: slice,
            operations: 6 * Double(batch) * forwardProducts,
            rule: .adamW(AdamW(weightDecay: 0.05)), rate: 1e-4,
            peer: (
                "vit.py",
                [
                    "--image", "\(side)", "--channels", "\(channels)", "--patch", "\(made.patch)",
                    "--width", "\(made.width)", "--depth", "\(made.depth)",
                    "--heads", "\(made.heads)", "--batch", "\(batch)",
                ]
            )
        ) {
            var layout = ParameterLayout()
            let encoder = VisionTransformer(
                &layout, made, channels: channels, height: side, width: side)
            return MeasuredNetwork(encoder: encoder, layout: layout)
        }
    }
}
