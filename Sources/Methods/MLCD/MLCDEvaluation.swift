internal import Datasets
internal import Networks

/// The encoder as evaluation takes it: the pooled feature for kNN and linear probe, and the
/// embedding z beside it (MLCD sheet, sections 5 and 6).
func mlcdTrainedEncoder(_ network: EmbeddingNetwork, _ views: ViewSettings) -> TrainedEncoder {
    TrainedEncoder(layout: network.layout, imageSize: views.height) { images, version in
        network.embed(images, parameters: version.parameters, buffers: version.buffers)
    }
}
