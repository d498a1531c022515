import Buffers

/// Loops over the channels of channels-last images: rows of one float a channel.
///
/// Sums over a channel go from the first row to the last, within blocks of 64 rows where it says
/// so.
@safe public struct Channels: Sendable {
    /// The number of rows: images times height times width.
    public let count: Int
    /// The number of channels, the length of a row.
    public let channels: Int

    /// Rows that are looked at twice while they are in a cache: 128 KiB of 512 channels.
    static let blockRows = 64

    /// Makes the loops of a shape.
    public init(count: Int, channels: Int) {
        precondition(count > 0 && channels > 0, "no elements in a channel")
        self.count = count
        self.channels = channels
    }

    /// Mean and biased variance of every channel.
    ///
    /// Each block of 64 rows has its mean and its sum of squared deviations from it; blocks are
    /// merged in rising order by the formulas of Chan and others (1983). So the images are read
    /// from memory once, and nothing cancels as it would in mean(x^2) - mean(x)^2.
    @_lifetime(means: copy means) @_lifetime(variances: copy variances)
    public func statistics(
        _ x: Span<Float>, means: inout MutableSpan<Float>, variances: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == count * channels && means.count == channels
                && variances.count == channels, "channels differ")
        Vector.fill(&means, with: 0)
        Vector.fill(&variances, with: 0)
        for first in stride(from: 0, to: count, by: Self.blockRows) {
            let rows = min(Self.blockRows, count &- first)
            let share = Float(rows) / Float(first &+ rows)
            for channel in stride(from: 0, to: channels, by: laneCount) {
                let part = min(laneCount, channels &- channel)
                let start = first &* channels &+ channel
                var sum = Lanes(repeating: 0)
                for row in 0..<rows { sum += x.lanes(at: start &+ row &* channels, upTo: part) }
                let mean = sum / Float(rows)
                var squares = Lanes(repeating: 0)
                for row in 0..<rows {
                    let d = x.lanes(at: start &+ row &* channels, upTo: part) - mean
                    squares.addProduct(d, d)
                }
                let before = means.lanes(at: channel, upTo: part)
                let step = mean - before
                let between = step * step * (Float(first) * share)
                let total = variances.lanes(at: channel, upTo: part) + (squares + between)
                means.setLanes(
                    before.addingProduct(step, Lanes(repeating: share)), at: channel, upTo: part)
                variances.setLanes(total, at: channel, upTo: part)
            }
        }
        Vector.scale(&variances, by: 1 / Float(count))
    }

    /// y = (x - mean) scale + bias of every channel, plus a residual, and negative ones to zero.
    ///
    /// - Parameters:
    ///   - scale: the inverse deviation times the weight.
    ///   - residual: as x, or empty for none.
    ///   - isRectified: whether negative results become zero.
    @_lifetime(y: copy y)
    public func normalize(
        _ x: Span<Float>, means: Span<Float>, scale: Span<Float>, bias: Span<Float>,
        residual: Span<Float>, isRectified: Bool, into y: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == count * channels && y.count == x.count && means.count == channels
                && scale.count == channels && bias.count == channels
                && (residual.isEmpty || residual.count == x.count), "channels differ")
        let least = Lanes(repeating: isRectified ? 0 : -.infinity)
        for row in 0..<count {
            let start = row &* channels
            for channel in stride(from: 0, to: channels, by: laneCount) {
                let (part, place) = (min(laneCount, channels &- channel), start &+ channel)
                let d = x.lanes(at: place, upTo: part) - means.lanes(at: channel, upTo: part)
                var value = bias.lanes(at: channel, upTo: part)
                    .addingProduct(d, scale.lanes(at: channel, upTo: part))
                if !residual.isEmpty { value += residual.lanes(at: place, upTo: part) }
                // Unordered compares as false, so that a NaN stays.
                value.replace(with: least, where: value .< least)
                y.setLanes(value, at: place, upTo: part)
            }
        }
    }

    /// The sums of `normalize`'s gradient: of g, and of g (x - mean), for every channel.
    ///
    /// - Parameters:
    ///   - y: what `normalize` gave if it was rectified: where it is not above zero g becomes zero.
    ///     Empty if it was not.
    @_lifetime(g: copy g) @_lifetime(sums: copy sums) @_lifetime(products: copy products)
    public func normalizeSums(
        _ x: Span<Float>, means: Span<Float>, rectified y: Span<Float>,
        gradient g: inout MutableSpan<Float>, sums: inout MutableSpan<Float>,
        products: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == count * channels && g.count == x.count && means.count == channels
                && sums.count == channels && products.count == channels
                && (y.isEmpty || y.count == x.count), "channels differ")
        Vector.fill(&sums, with: 0)
        Vector.fill(&products, with: 0)
        let zero = Lanes(repeating: 0)
        for first in stride(from: 0, to: count, by: Self.blockRows) {
            let rows = min(Self.blockRows, count &- first)
            for channel in stride(from: 0, to: channels, by: laneCount) {
                let part = min(laneCount, channels &- channel)
                let mean = means.lanes(at: channel, upTo: part)
                var sum = sums.lanes(at: channel, upTo: part)
                var product = products.lanes(at: channel, upTo: part)
                var place = first &* channels &+ channel
                for _ in 0..<rows {
                    var value = g.lanes(at: place, upTo: part)
                    if !y.isEmpty {
                        value.replace(with: zero, where: y.lanes(at: place, upTo: part) .<= zero)
                        g.setLanes(value, at: place, upTo: part)
                    }
                    sum += value
                    product.addProduct(value, x.lanes(at: place, upTo: part) - mean)
                    place &+= channels
                }
                sums.setLanes(sum, at: channel, upTo: part)
                products.setLanes(product, at: channel, upTo: part)
            }
        }
    }

    /// dx = (g - shift - (x - mean) slope) scale of every channel.
    ///
    /// With statistics of the images themselves shift is the mean of g, and slope the mean of
    /// g (x - mean) over the variance.
    @_lifetime(dx: copy dx)
    public func normalizeGradient(
        _ x: Span<Float>, means: Span<Float>, scale: Span<Float>, shift: Span<Float>,
        slope: Span<Float>, gradient g: Span<Float>, into dx: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == count * channels && g.count == x.count && dx.count == x.count
                && means.count == channels && scale.count == channels && shift.count == channels
                && slope.count == channels, "channels differ")
        for row in 0..<count {
            let start = row &* channels
            for channel in stride(from: 0, to: channels, by: laneCount) {
                let (part, place) = (min(laneCount, channels &- channel), start &+ channel)
                let d = x.lanes(at: place, upTo: part) - means.lanes(at: channel, upTo: part)
                let centred =
                    g.lanes(at: place, upTo: part) - shift.lanes(at: channel, upTo: part)
                let value = centred - d * slope.lanes(at: channel, upTo: part)
                dx.setLanes(
                    value * scale.lanes(at: channel, upTo: part), at: place, upTo: part)
            }
        }
    }
}
