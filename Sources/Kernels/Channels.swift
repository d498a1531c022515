import Buffers

/// Loops over the channels of images `[B, C, area]`.
///
/// The sum over a channel adds the sums of its planes from the first image to the last, and each
/// of these has the order of `Vector`.
@safe public struct Channels: Sendable {
    /// The number of images.
    public let images: Int
    /// The number of channels.
    public let channels: Int
    /// Height times width.
    public let area: Int

    /// Makes the loops of a shape.
    public init(images: Int, channels: Int, area: Int) {
        precondition(images > 0 && channels > 0 && area > 0, "no elements in a channel")
        self.images = images
        self.channels = channels
        self.area = area
    }

    /// The number of elements of a channel.
    public var count: Int { images * area }

    /// Adds `bias[c]` to every element of channel c.
    @_lifetime(x: copy x)
    public func add(_ bias: Span<Float>, to x: inout MutableSpan<Float>) {
        precondition(x.count == count * channels && bias.count == channels, "channels differ")
        for plane in 0..<(images * channels) {
            let value = bias[plane % channels]
            Vector.forEachLanes(area) { index, part in
                let place = plane &* area &+ index
                x.setLanes(x.lanes(at: place, upTo: part) + value, at: place, upTo: part)
            }
        }
    }

    /// The sum of every channel.
    @_lifetime(sums: copy sums)
    public func sums(_ x: Span<Float>, into sums: inout MutableSpan<Float>) {
        precondition(x.count == count * channels && sums.count == channels, "channels differ")
        for channel in 0..<channels {
            sums[channel] = total(channel) { sum, place, part in
                sum + x.lanes(at: place, upTo: part)
            }
        }
    }

    /// Mean and biased variance of every channel, the variance in a second pass.
    @_lifetime(means: copy means) @_lifetime(variances: copy variances)
    public func statistics(
        _ x: Span<Float>, means: inout MutableSpan<Float>, variances: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == count * channels && means.count == channels
                && variances.count == channels, "channels differ")
        for channel in 0..<channels {
            let mean =
                total(channel) { sum, place, part in sum + x.lanes(at: place, upTo: part) }
                / Float(count)
            let squares = total(channel) { sum, place, part in
                let d = deviation(x, place, part, mean)
                return sum.addingProduct(d, d)
            }
            means[channel] = mean
            variances[channel] = squares / Float(count)
        }
    }

    /// y = (x - mean) inverse weight + bias of every channel.
    @_lifetime(y: copy y)
    public func normalize(
        _ x: Span<Float>, means: Span<Float>, inverses: Span<Float>, weight: Span<Float>,
        bias: Span<Float>, into y: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == count * channels && y.count == x.count && means.count == channels
                && inverses.count == channels && weight.count == channels
                && bias.count == channels, "channels differ")
        for plane in 0..<(images * channels) {
            let channel = plane % channels
            let (mean, inverse) = (means[channel], inverses[channel])
            let (w, b) = (Lanes(repeating: weight[channel]), Lanes(repeating: bias[channel]))
            var index = 0
            while index < area {
                let (part, place) = (min(8, area &- index), plane &* area &+ index)
                let normal = (x.lanes(at: place, upTo: part) - mean) * inverse
                y.setLanes(b.addingProduct(normal, w), at: place, upTo: part)
                index &+= 8
            }
        }
    }

    /// The gradients of `normalize` with the channels' own statistics: with n = (x - mean)
    /// inverse, dw = sum(g n), db = sum(g), dx = weight inverse (g - db / N - n dw / N).
    @_lifetime(dx: copy dx) @_lifetime(dWeight: copy dWeight) @_lifetime(dBias: copy dBias)
    public func normalizeGradient(
        _ x: Span<Float>, means: Span<Float>, inverses: Span<Float>, weight: Span<Float>,
        gradient g: Span<Float>, into dx: inout MutableSpan<Float>,
        dWeight: inout MutableSpan<Float>, dBias: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == count * channels && g.count == x.count && dx.count == x.count
                && means.count == channels && inverses.count == channels
                && weight.count == channels && dWeight.count == channels
                && dBias.count == channels, "channels differ")
        for channel in 0..<channels {
            let (mean, inverse) = (means[channel], inverses[channel])
            let db = total(channel) { sum, place, part in sum + g.lanes(at: place, upTo: part) }
            let dw = total(channel) { sum, place, part in
                sum.addingProduct(
                    g.lanes(at: place, upTo: part), deviation(x, place, part, mean) * inverse)
            }
            (dWeight[channel], dBias[channel]) = (dw, db)
            let (meanG, meanGN) = (db / Float(count), Lanes(repeating: dw / Float(count)))
            let factor = weight[channel] * inverse
            for image in 0..<images {
                let start = (image &* channels &+ channel) &* area
                var index = 0
                while index < area {
                    let (part, place) = (min(8, area &- index), start &+ index)
                    let normal = deviation(x, place, part, mean) * inverse
                    let centred = g.lanes(at: place, upTo: part) - meanG
                    dx.setLanes((centred - normal * meanGN) * factor, at: place, upTo: part)
                    index &+= 8
                }
            }
        }
    }

    @inline(__always)
    private func total(_ channel: Int, _ add: (Lanes, Int, Int) -> Lanes) -> Float {
        var sum: Float = 0
        for image in 0..<images {
            let start = (image &* channels &+ channel) &* area
            sum += Vector.reduce(area) { sum, index, part in add(sum, start &+ index, part) }
        }
        return sum
    }

    /// x - mean of `part` elements, zeros behind them.
    @inline(__always)
    private func deviation(_ x: Span<Float>, _ place: Int, _ part: Int, _ mean: Float) -> Lanes {
        guard part < 8 else { return x.lanes(at: place) - mean }
        var result = Lanes(repeating: 0)
        for lane in 0..<part { result[lane] = x[place &+ lane] - mean }
        return result
    }
}
