public import Identity

/// Mean and standard deviation of each channel, of values in 0...1.
public struct ChannelStatistics: Hashable, Sendable {
    /// One mean a channel.
    public let mean: [Float]
    /// One standard deviation a channel.
    public let deviation: [Float]

    /// Statistics of `mean.count` channels; every deviation is positive.
    public init(mean: [Float], deviation: [Float]) {
        precondition(mean.count == deviation.count, "\(mean.count) means, \(deviation.count)")
        precondition(deviation.allSatisfy { $0 > 0 }, "deviations \(deviation)")
        self.mean = mean
        self.deviation = deviation
    }
}

/// Images of one size with a label each, held in memory as bytes.
public struct ImageDataset: Sendable {
    /// Name in messages, such as `fashion-mnist/train`.
    public let name: String
    /// Number of images.
    public let count: Int
    /// Channels of an image.
    public let channels: Int
    /// Rows of an image.
    public let height: Int
    /// Columns of an image.
    public let width: Int
    /// Labels lie in `0..<classCount`.
    public let classCount: Int
    /// `[count, channels, height, width]`, 0 black, 255 white; of a data set of which only parts
    /// are held, those parts one after the other.
    public let pixels: [UInt8]
    /// Runs of images whose pixels are held, in order; all images as a rule.
    public let held: [Range<Int>]
    /// One label an image.
    public let labels: [UInt8]
    /// What to subtract and divide by after scaling to 0...1.
    public let statistics: ChannelStatistics
    /// The files that the images came from.
    public let manifest: DataManifest

    /// A data set over `pixels` `[labels.count, channels, height, width]`.
    public init(
        name: String, channels: Int, height: Int, width: Int, classCount: Int, pixels: [UInt8],
        labels: [UInt8], statistics: ChannelStatistics, manifest: DataManifest
    ) {
        self.init(
            name: name, channels: channels, height: height, width: width, classCount: classCount,
            pixels: pixels, labels: labels, statistics: statistics, manifest: manifest,
            held: [0..<labels.count])
    }

    private init(
        name: String, channels: Int, height: Int, width: Int, classCount: Int, pixels: [UInt8],
        labels: [UInt8], statistics: ChannelStatistics, manifest: DataManifest, held: [Range<Int>]
    ) {
        let heldCount = held.reduce(0) { $0 + $1.count }
        precondition(
            pixels.count == heldCount * channels * height * width,
            "\(pixels.count) pixels for \(heldCount) x \(channels) x \(height) x \(width)")
        precondition(statistics.mean.count == channels, "statistics of \(channels) channels")
        precondition((1...256).contains(classCount), "\(classCount) classes")
        precondition(labels.allSatisfy { Int($0) < classCount }, "labels below \(classCount)")
        self.name = name
        self.count = labels.count
        self.channels = channels
        self.height = height
        self.width = width
        self.classCount = classCount
        self.pixels = pixels
        self.labels = labels
        self.statistics = statistics
        self.manifest = manifest
        self.held = held
    }

    /// Identifies the content: equal bytes, equal digest.
    public var digest: Digest { manifest.digest }

    /// Bytes of one image.
    public var imageByteCount: Int { channels * height * width }

    /// The label of image `index`.
    public func label(_ index: Int) -> Int {
        Int(labels[index])
    }

    /// The same data set with the pixels of these images alone: the others cannot be seen, labels
    /// and digest stay.
    ///
    /// - Parameter ranges: runs of images, rising, none within or beside another.
    public func holding(_ ranges: [Range<Int>]) -> ImageDataset {
        precondition(held == [0..<count], "a part of a part of \(name)")
        precondition(
            zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound }
                && ranges.allSatisfy { !$0.isEmpty && $0.upperBound <= count }, "runs \(ranges)")
        var part: [UInt8] = []
        part.reserveCapacity(ranges.reduce(0) { $0 + $1.count } * imageByteCount)
        for range in ranges {
            part +=
                pixels[(range.lowerBound * imageByteCount)..<(range.upperBound * imageByteCount)]
        }
        return ImageDataset(
            name: name, channels: channels, height: height, width: width, classCount: classCount,
            pixels: part, labels: labels, statistics: statistics, manifest: manifest,
            held: ranges)
    }

    /// Where the pixels of image `index` begin.
    ///
    /// - Precondition: they are held.
    public func pixelOffset(of index: Int) -> Int {
        var before = 0
        for range in held {
            if range.contains(index) {
                return (before + index - range.lowerBound) * imageByteCount
            }
            before += range.count
        }
        preconditionFailure("\(name): image \(index) is not held")
    }

    /// The first `count` images, with a manifest that says so.
    public func prefix(_ count: Int) -> ImageDataset {
        precondition((0...self.count).contains(count), "\(count) of \(self.count) images")
        let part = DataManifest.Entry(
            name: "first-\(count)", byteCount: count * imageByteCount, digest: digest)
        return ImageDataset(
            name: name, channels: channels, height: height, width: width, classCount: classCount,
            pixels: Array(pixels[..<(count * imageByteCount)]), labels: Array(labels[..<count]),
            statistics: statistics,
            manifest: count == self.count
                ? manifest : DataManifest(entries: manifest.entries + [part]))
    }
}
