import Buffers

extension ConvolutionWindows {
    /// The largest element of each window, channel by channel; NaN if it has one.
    ///
    /// - Parameters:
    ///   - images: `[B, height, width, channels]`.
    ///   - y: `[B, outHeight, outWidth, channels]`.
    @_lifetime(y: copy y)
    public func maxima(_ images: Span<Float>, into y: inout MutableSpan<Float>) {
        let count = checkPooling(images.count, y.count)
        for window in 0..<(count &* outArea) {
            for channel in Swift.stride(from: 0, to: channels, by: laneCount) {
                let part = min(laneCount, channels &- channel)
                var largest = Lanes(repeating: -.infinity)
                forEachElement(of: window) { place in
                    let x = images.lanes(at: place &+ channel, upTo: part)
                    // A NaN comes in, and then nothing is larger.
                    largest.replace(with: x, where: (x .> largest) .| (x .!= x))
                }
                y.setLanes(largest, at: window &* channels &+ channel, upTo: part)
            }
        }
    }

    /// Adds the gradient of each maximum to the first element of its window that equals it; that
    /// of a NaN goes nowhere.
    ///
    /// - Parameters:
    ///   - images: `[B, height, width, channels]`.
    ///   - maxima: what `maxima` gave, `[B, outHeight, outWidth, channels]`.
    ///   - g: the gradient of the maxima.
    ///   - dx: of the images; is added to.
    @_lifetime(dx: copy dx)
    public func maximaGradient(
        _ images: Span<Float>, maxima: Span<Float>, gradient g: Span<Float>,
        addingTo dx: inout MutableSpan<Float>
    ) {
        let count = checkPooling(images.count, g.count)
        precondition(dx.count == images.count && maxima.count == g.count, "counts differ")
        for window in 0..<(count &* outArea) {
            for channel in Swift.stride(from: 0, to: channels, by: laneCount) {
                let part = min(laneCount, channels &- channel)
                let place = window &* channels &+ channel
                let largest = maxima.lanes(at: place, upTo: part)
                var rest = g.lanes(at: place, upTo: part)
                forEachElement(of: window) { element in
                    let index = element &+ channel
                    let isLargest = images.lanes(at: index, upTo: part) .== largest
                    let share = Lanes(repeating: 0).replacing(with: rest, where: isLargest)
                    rest.replace(with: 0, where: isLargest)
                    dx.setLanes(dx.lanes(at: index, upTo: part) + share, at: index, upTo: part)
                }
            }
        }
    }

    /// Calls `body` with where the elements of a window begin that are in its image.
    @inline(__always)
    private func forEachElement(of window: Int, _ body: (_ place: Int) -> Void) {
        let (image, top, left) = place(window)
        for row in max(0, top)..<max(0, min(height, top &+ kernelHeight)) {
            for column in max(0, left)..<max(0, min(width, left &+ kernelWidth)) {
                body(image &* imageCount &+ (row &* width &+ column) &* channels)
            }
        }
    }

    /// The number of images; traps unless every window has an element of its image.
    private func checkPooling(_ images: Int, _ maxima: Int) -> Int {
        let count = Rows.rowCount(images, width: imageCount)
        precondition(
            maxima == count * outArea * channels && padding < kernelHeight
                && padding < kernelWidth, "pooling: \(images) floats to \(maxima)")
        return count
    }
}
