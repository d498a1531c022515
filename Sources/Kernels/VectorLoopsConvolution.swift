/// The windows of a two-dimensional convolution as columns of a matrix.
@safe public struct ConvolutionWindows: Sendable {
    /// The extents of an image: channels, height and width.
    public let channels: Int, height: Int, width: Int
    /// The extents of a window.
    public let kernelHeight: Int, kernelWidth: Int
    /// How far windows move.
    public let stride: Int
    /// The zeros on each side of an image.
    public let padding: Int

    /// Makes the windows of a shape; traps if a window does not fit into a padded image.
    public init(
        channels: Int, height: Int, width: Int, kernelHeight: Int, kernelWidth: Int, stride: Int,
        padding: Int
    ) {
        precondition(
            channels > 0 && stride > 0 && padding >= 0 && kernelHeight > 0 && kernelWidth > 0
                && height + 2 * padding >= kernelHeight && width + 2 * padding >= kernelWidth,
            "a window of \(kernelHeight) x \(kernelWidth) in \(height) x \(width)")
        self.channels = channels
        self.height = height
        self.width = width
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

    /// Writes the windows: `[windowCount, images outArea]`, zeros where they hang over.
    @_lifetime(columns: copy columns)
    public func unfold(_ images: Span<Float>, into columns: inout MutableSpan<Float>) {
        let count = check(images.count, columns.count)
        unsafe images.withUnsafeBufferPointer { images in
            unsafe columns.withUnsafeMutableBufferPointer { columns in
                guard let x = images.baseAddress, var y = columns.baseAddress else { return }
                for element in 0..<windowCount {
                    for image in 0..<count {
                        unsafe unfold(element, x + image &* imageCount, y)
                        unsafe y += outArea
                    }
                }
            }
        }
    }

    /// Adds the windows back to where they came from: the gradient of `unfold`.
    ///
    /// - Parameter images: is overwritten. Contributions are added in the order of the elements
    ///   of a window.
    @_lifetime(images: copy images)
    public func fold(_ columns: Span<Float>, into images: inout MutableSpan<Float>) {
        let count = check(images.count, columns.count)
        Vector.fill(&images, with: 0)
        unsafe columns.withUnsafeBufferPointer { columns in
            unsafe images.withUnsafeMutableBufferPointer { images in
                guard let x = images.baseAddress, var y = columns.baseAddress else { return }
                for element in 0..<windowCount {
                    for image in 0..<count {
                        unsafe fold(element, y, x + image &* imageCount)
                        unsafe y += outArea
                    }
                }
            }
        }
    }

    /// Where the windows' element lies: its channel's plane, and its place within a window.
    @inline(__always)
    private func place(_ element: Int) -> (plane: Int, down: Int, right: Int) {
        let (rest, right) = (element / kernelWidth, element % kernelWidth)
        return (rest / kernelHeight &* height &* width, rest % kernelHeight, right)
    }

    /// The windows of a line for which column `ow stride + right - padding` is in the image.
    @inline(__always)
    private func inside(_ right: Int) -> Range<Int> {
        let first = max(0, (padding - right + stride - 1) / stride)
        let last = (width - 1 + padding - right)
        let end = last < 0 ? 0 : min(outWidth, last / stride + 1)
        return min(first, end)..<end
    }

    @inline(__always)
    private func unfold(
        _ element: Int, _ image: UnsafePointer<Float>, _ column: UnsafeMutablePointer<Float>
    ) {
        let (plane, down, right) = place(element)
        let range = inside(right)
        for line in 0..<outHeight {
            let target = unsafe column + line &* outWidth
            let row = line &* stride &+ down &- padding
            guard row >= 0, row < height else {
                for index in 0..<outWidth { unsafe target[index] = 0 }
                continue
            }
            let base = plane &+ row &* width &+ right &- padding
            for index in 0..<range.lowerBound { unsafe target[index] = 0 }
            for index in range { unsafe target[index] = image[base &+ index &* stride] }
            for index in range.upperBound..<outWidth { unsafe target[index] = 0 }
        }
    }

    @inline(__always)
    private func fold(
        _ element: Int, _ column: UnsafePointer<Float>, _ image: UnsafeMutablePointer<Float>
    ) {
        let (plane, down, right) = place(element)
        let range = inside(right)
        for line in 0..<outHeight {
            let row = line &* stride &+ down &- padding
            guard row >= 0, row < height else { continue }
            let base = plane &+ row &* width &+ right &- padding
            let source = unsafe column + line &* outWidth
            for index in range { unsafe image[base &+ index &* stride] += source[index] }
        }
    }

    private func check(_ images: Int, _ columns: Int) -> Int {
        let count = Rows.rowCount(images, width: imageCount)
        precondition(
            columns == count * windowCount * outArea, "windows: \(images) and \(columns) floats")
        return count
    }
}
