import Buffers

/// The windows of a two-dimensional convolution over channels-last images, as rows of a matrix.
///
/// An element of a window is (line, place in the line, channel), the channel innermost.
@safe public struct ConvolutionWindows: Sendable {
    /// The extents of an image: height, width and channels.
    public let height: Int, width: Int, channels: Int
    /// The extents of a window.
    public let kernelHeight: Int, kernelWidth: Int
    /// How far windows move.
    public let stride: Int
    /// The zeros on each side of an image.
    public let padding: Int

    /// Makes the windows of a shape; traps if a window does not fit into a padded image.
    public init(
        height: Int, width: Int, channels: Int, kernelHeight: Int, kernelWidth: Int, stride: Int,
        padding: Int
    ) {
        precondition(
            channels > 0 && stride > 0 && padding >= 0 && kernelHeight > 0 && kernelWidth > 0
                && height + 2 * padding >= kernelHeight && width + 2 * padding >= kernelWidth,
            "a window of \(kernelHeight) x \(kernelWidth) in \(height) x \(width)")
        self.height = height
        self.width = width
        self.channels = channels
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.stride = stride
        self.padding = padding
    }

    /// The number of windows below each other.
    public var outHeight: Int { (height + 2 * padding - kernelHeight) / stride + 1 }
    /// The number of windows beside each other.
    public var outWidth: Int { (width + 2 * padding - kernelWidth) / stride + 1 }
    /// The number of windows of an image.
    public var outArea: Int { outHeight * outWidth }
    /// The number of elements of a window over all channels.
    public var windowCount: Int { channels * kernelHeight * kernelWidth }
    /// The number of elements of an image.
    public var imageCount: Int { channels * height * width }

    /// Writes some windows: `[range, windowCount]`, zeros where they hang over.
    ///
    /// - Parameters:
    ///   - images: `[B, height, width, channels]`.
    ///   - range: numbers of windows, image by image and line by line.
    @_lifetime(rows: copy rows)
    public func unfold(
        _ images: Span<Float>, _ range: Range<Int>, into rows: inout MutableSpan<Float>
    ) {
        check(images.count, range, rows.count)
        unsafe images.withUnsafeBufferPointer { images in
            unsafe rows.withUnsafeMutableBufferPointer { rows in
                guard let x = images.baseAddress, var y = rows.baseAddress else { return }
                let line = kernelWidth &* channels
                for window in range {
                    let (image, top, left) = place(window)
                    let inside = inside(left)
                    let first = inside.lowerBound &* channels
                    let count = inside.count &* channels
                    for down in 0..<kernelHeight {
                        let row = top &+ down
                        if row < 0 || row >= height || count == 0 {
                            unsafe zero(y, line)
                        } else {
                            let start =
                                image &* imageCount
                                &+ (row &* width &+ left &+ inside.lowerBound) &* channels
                            unsafe zero(y, first)
                            unsafe copy(x + start, into: y + first, count)
                            unsafe zero(y + first + count, line &- first &- count)
                        }
                        unsafe y += line
                    }
                }
            }
        }
    }

    /// Adds some windows back to where they came from: the gradient of `unfold`.
    ///
    /// Contributions are added in the order of windows, and within each of its elements.
    @_lifetime(images: copy images)
    public func fold(
        _ rows: Span<Float>, _ range: Range<Int>, addingTo images: inout MutableSpan<Float>
    ) {
        check(images.count, range, rows.count)
        unsafe rows.withUnsafeBufferPointer { rows in
            unsafe images.withUnsafeMutableBufferPointer { images in
                guard let x = images.baseAddress, var y = rows.baseAddress else { return }
                for window in range {
                    let (image, top, left) = place(window)
                    let inside = inside(left)
                    for down in 0..<kernelHeight {
                        let row = top &+ down
                        if row >= 0, row < height {
                            let start =
                                image &* imageCount
                                &+ (row &* width &+ left &+ inside.lowerBound) &* channels
                            unsafe add(
                                y + inside.lowerBound &* channels, to: x + start,
                                inside.count &* channels)
                        }
                        unsafe y += kernelWidth &* channels
                    }
                }
            }
        }
    }

    /// The image of a window, and where its first line and place lie in it.
    @inline(__always)
    func place(_ window: Int) -> (image: Int, top: Int, left: Int) {
        let (rest, right) = (window / outWidth, window % outWidth)
        return (
            rest / outHeight, rest % outHeight &* stride &- padding, right &* stride &- padding
        )
    }

    /// The places of a window's line that are in the image.
    @inline(__always)
    private func inside(_ left: Int) -> Range<Int> {
        let first = min(kernelWidth, max(0, -left))
        return first..<max(first, min(kernelWidth, width &- left))
    }

    @inline(__always)
    private func zero(_ y: UnsafeMutablePointer<Float>, _ count: Int) {
        for index in 0..<count { unsafe y[index] = 0 }
    }

    @inline(__always)
    private func copy(
        _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        var index = 0
        while index &+ 8 <= count {
            unsafe (y + index).setEight((x + index).eight)
            index &+= 8
        }
        while index < count {
            unsafe y[index] = x[index]
            index &+= 1
        }
    }

    @inline(__always)
    private func add(
        _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        var index = 0
        while index &+ 8 <= count {
            unsafe (y + index).setEight((y + index).eight + (x + index).eight)
            index &+= 8
        }
        while index < count {
            unsafe y[index] += x[index]
            index &+= 1
        }
    }

    private func check(_ images: Int, _ range: Range<Int>, _ rows: Int) {
        let count = Rows.rowCount(images, width: imageCount)
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count * outArea
                && rows == range.count * windowCount,
            "windows \(range) of \(images) floats in \(rows)")
    }
}
