internal import Buffers
internal import Identity
internal import Kernels
public import Storage
public import Tensors

/// The samples of a clustering, rows of one matrix that may be larger than memory.
///
/// They are read when they are needed, a block of rows at a time, and prepared on the way (centred,
/// brought to unit length). The bits of a prepared row depend on that row and the mean alone.
public struct Samples: Sendable {
    /// Samples there are.
    public let count: Int
    /// Features of a sample.
    public let dim: Int
    /// Where the rows come from, one part after the other.
    let parts: [SamplePart]
    /// The number of each part's first sample.
    private let begins: [Int]
    /// What is subtracted from every sample; empty for nothing.
    private let mean: [Float]
    /// Whether samples are scaled to unit length, after the mean is subtracted.
    let isUnitLength: Bool
    /// Whether a survey has found all of them finite.
    let isFinite: Bool

    /// Samples in memory, `[n, d]`, as they are.
    public init(_ tensor: Tensor) throws(ClusteringError) {
        guard tensor.shape.rank == 2, tensor.shape[1] > 0 else {
            throw .shapeMismatch("features \(tensor.shape), expected samples x features")
        }
        self.init(matrix: tensor)
    }

    /// The rows of a matrix that is known to be one.
    init(matrix: Tensor) {
        (parts, begins) = ([.memory(matrix)], [0])
        (count, dim) = (matrix.shape[0], matrix.shape[1])
        (mean, isUnitLength, isFinite) = ([], false, false)
    }

    /// The rows of files, one file after the other, as they are.
    ///
    /// - Throws: `ClusteringError.shapeMismatch` if their rows differ in length.
    public init(_ files: [MatrixFile]) throws(ClusteringError) {
        try self.init(files.map { .file($0) })
    }

    /// The rows of files by their paths; a folder stands for its `.npy` files in the order of their
    /// names.
    ///
    /// - Throws: `StorageError`, `ClusteringError`.
    public init(mapping paths: [String], fileSystem: any FileSystem = LocalFileSystem()) throws {
        let files = try paths.flatMap { path -> [String] in
            guard let names = try? fileSystem.list(path) else { return [path] }  // no folder
            let arrays = names.filter { $0.hasSuffix(".npy") }
            guard !arrays.isEmpty else {
                throw StorageError.malformed(path: path, reason: "holds no .npy file")
            }
            return arrays.map { "\(path)/\($0)" }
        }
        try self.init(try files.map { try MatrixFile(mapping: $0, fileSystem: fileSystem) })
    }

    private init(_ parts: [SamplePart]) throws(ClusteringError) {
        guard let first = parts.first else { throw .shapeMismatch("there are no features") }
        var begins: [Int] = []
        var count = 0
        for part in parts {
            guard part.dim == first.dim else {
                throw .shapeMismatch("\(first.name) has \(first.dim) columns, \(part.described)")
            }
            begins.append(count)
            count += part.count
        }
        guard count <= Int(Int32.max) else {
            throw .shapeMismatch("\(count) samples, at most \(Int32.max) can be numbered")
        }
        (self.parts, self.begins, self.count, dim) = (parts, begins, count, first.dim)
        (mean, isUnitLength, isFinite) = ([], false, false)
    }

    private init(_ other: Samples, mean: [Float], isUnitLength: Bool, isFinite: Bool) {
        (parts, begins, count, dim) = (other.parts, other.begins, other.count, other.dim)
        (self.mean, self.isUnitLength, self.isFinite) = (mean, isUnitLength, isFinite)
    }

    /// The same samples, prepared whenever they are read.
    ///
    /// - Parameter survey: of these samples as they are.
    public func prepared(_ preparation: FeaturePreparation, survey: SampleSurvey) -> Samples {
        precondition(survey.mean.count == dim, "a mean of \(survey.mean.count) for \(dim)")
        return Samples(
            self, mean: preparation.centred ? survey.mean : [],
            isUnitLength: preparation.unitLength, isFinite: true)
    }

    /// The same samples at unit length.
    func atUnitLength() -> Samples {
        Samples(self, mean: mean, isUnitLength: true, isFinite: isFinite)
    }

    /// Reads samples that follow each other.
    ///
    /// - Parameter output: `[rows.count, dim]`.
    @_lifetime(output: copy output)
    func read(_ rows: Range<Int>, into output: inout MutableSpan<Float>) {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= count && output.count == rows.count * dim,
            "samples \(rows) of \(count) into \(output.count) floats")
        var row = rows.lowerBound
        while row < rows.upperBound {
            let part = partHolding(row)
            let first = begins[part]
            let end = min(rows.upperBound, first + parts[part].count)
            let place = (row - rows.lowerBound) * dim
            var piece = output._mutatingExtracting(place..<(place + (end - row) * dim))
            parts[part].read((row - first)..<(end - first), into: &piece)
            row = end
        }
        prepare(&output)
    }

    /// Reads samples of any numbers.
    ///
    /// - Parameter output: `[numbers.count, dim]`.
    @_lifetime(output: copy output)
    func gather(_ numbers: Span<Int32>, into output: inout MutableSpan<Float>) {
        precondition(output.count == numbers.count * dim, "\(output.count) floats")
        for index in 0..<numbers.count {
            let row = Int(numbers[index])
            let part = partHolding(row)
            var piece = output._mutatingExtracting((index * dim)..<((index + 1) * dim))
            let own = row - begins[part]
            parts[part].read(own..<(own + 1), into: &piece)
        }
        prepare(&output)
    }

    /// Samples of these numbers as a matrix.
    func tensor(of numbers: [Int32]) -> Tensor {
        var result = Tensor(uninitialized: [numbers.count, dim])
        var output = result.mutableSpan
        gather(numbers.span, into: &output)
        return result
    }

    private func partHolding(_ row: Int) -> Int {
        guard parts.count > 1 else { return 0 }
        var (low, high) = (0, parts.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if begins[middle] <= row { low = middle } else { high = middle - 1 }
        }
        return low
    }

    @_lifetime(output: copy output)
    private func prepare(_ output: inout MutableSpan<Float>) {
        guard !mean.isEmpty || isUnitLength, output.count > 0 else { return }
        var scratch = Tensor(uninitialized: [output.count])
        var other = scratch.mutableSpan
        if mean.isEmpty {
            Vector.copy(output.span, into: &other)
        } else {
            Rows.subtract(output.span, mean.span, into: &other)
        }
        guard isUnitLength else { return Vector.copy(other.span, into: &output) }
        var lengths = Tensor(uninitialized: [output.count / dim])
        var lengthSpan = lengths.mutableSpan
        Rows.normalize(
            other.span, width: dim, epsilon: 1e-12, into: &output, lengths: &lengthSpan)
    }
}

/// A run of samples that lie in one place.
enum SamplePart: Sendable {
    /// A matrix in memory.
    case memory(Tensor)
    /// A matrix in a file.
    case file(MatrixFile)

    var count: Int {
        switch self {
        case .memory(let tensor): tensor.shape[0]
        case .file(let file): file.rowCount
        }
    }

    var dim: Int {
        switch self {
        case .memory(let tensor): tensor.shape[1]
        case .file(let file): file.columnCount
        }
    }

    var name: String {
        switch self {
        case .memory: "the matrix"
        case .file(let file): file.path
        }
    }

    var described: String { "\(name) has \(dim)" }

    /// SHA-256 of the bytes of these rows.
    func digest(of rows: Range<Int>) -> Digest {
        switch self {
        case .memory(let tensor):
            var hasher = SHA256Hasher()
            let part = tensor.rows(rows)
            hasher.update(
                part.buffer.bytes.extracting(part.byteOffset..<(part.byteOffset + 4 * part.count)))
            return hasher.finalize()
        case .file(let file): return file.digest(of: rows)
        }
    }

    @_lifetime(output: copy output)
    func read(_ rows: Range<Int>, into output: inout MutableSpan<Float>) {
        switch self {
        case .memory(let tensor):
            let dim = tensor.shape[1]
            let values = tensor.span.extracting(
                (rows.lowerBound * dim)..<(rows.upperBound * dim))
            Vector.copy(values, into: &output)
        case .file(let file): file.read(rows, into: &output)
        }
    }
}
