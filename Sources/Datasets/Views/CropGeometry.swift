internal import Kernels
internal import Tensors

/// A crop window in units of the image's sides, mirrored or not.
struct CropGeometry: Equatable {
    /// Left edge, 0 at the image's left edge, 1 at its right edge.
    var left: Float
    /// Upper edge.
    var top: Float
    /// Width of the window.
    var width: Float
    /// Height of the window.
    var height: Float
    /// Whether the window is read from right to left.
    var flipped: Bool

    /// The whole image.
    static let whole = CropGeometry(left: 0, top: 0, width: 1, height: 1, flipped: false)
}

/// Draws the crop of one view: a pure function of seed, data epoch, sample and view.
struct CropDraw {
    let settings: ViewSettings
    let seed: UInt64
    let dataEpoch: UInt64
    private let logAspect: ClosedRange<Float>
    /// Height by width of the image: turns an aspect in pixels into one of shares.
    private let imageAspect: Float

    init(settings: ViewSettings, seed: UInt64, dataEpoch: Int, imageHeight: Int, imageWidth: Int) {
        self.settings = settings
        self.seed = seed
        self.dataEpoch = UInt64(dataEpoch)
        let (low, high) = (settings.aspect.lowerBound, settings.aspect.upperBound)
        logAspect = LaneMath.log(low)...LaneMath.log(high)
        imageAspect = Float(imageHeight) / Float(imageWidth)
    }

    /// The crop: sides sqrt(area aspect) and sqrt(area / aspect), at most the image's, at a place
    /// uniform among those inside (sheet MLCD section 6, `views` of the reference run).
    func crop(sample: Int, view: Int) -> CropGeometry {
        let area = mix(settings.area, draw(.cropArea, sample, view))
        let aspect = LaneMath.exp(mix(logAspect, draw(.cropAspect, sample, view))) * imageAspect
        let width = min((area * aspect).squareRoot(), 1)
        let height = min((area / aspect).squareRoot(), 1)
        return CropGeometry(
            left: (1 - width) * draw(.cropX, sample, view),
            top: (1 - height) * draw(.cropY, sample, view), width: width, height: height,
            flipped: draw(.flip, sample, view) < settings.flipProbability)
    }

    private func mix(_ range: ClosedRange<Float>, _ u: Float) -> Float {
        range.lowerBound + u * (range.upperBound - range.lowerBound)
    }

    private func draw(_ stream: RandomStream, _ sample: Int, _ view: Int) -> Float {
        CounterRandom(seed: seed, stream: stream, a: dataEpoch, b: UInt64(sample))
            .uniform(at: view)
    }
}
