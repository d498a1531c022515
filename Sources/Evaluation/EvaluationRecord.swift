public import Storage

/// What was measured of the model after a step, as it is kept in the state directory.
///
/// One small file a step in the folder `evaluations`, which carries its checksum. A figure depends
/// on the step's model and the data alone, so measuring again writes the same.
public struct EvaluationRecord: Hashable, Sendable {
    /// The folder in a state directory.
    public static let folder = "evaluations"

    /// The steps that the model had made.
    public var step: Int
    /// Accuracies by name, each a share of 1, in the order of the names.
    ///
    /// Names are those of `pleiad evaluate --json`, joined by dots: `knn.top1`.
    public private(set) var accuracies: [(name: String, value: Double)]

    /// Accuracies after a step.
    public init(step: Int, _ accuracies: [(name: String, value: Double)]) {
        self.step = step
        self.accuracies = accuracies.sorted { $0.name < $1.name }
    }

    /// The accuracy of this name, if it was measured.
    public subscript(name: String) -> Double? {
        accuracies.first { $0.name == name }?.value
    }

    /// Both records' figures; those of `newer` where both have one.
    public func merged(with newer: EvaluationRecord) -> EvaluationRecord {
        let kept = accuracies.filter { newer[$0.name] == nil }
        return EvaluationRecord(step: newer.step, kept + newer.accuracies)
    }

    /// Equal steps and equal figures.
    public static func == (first: EvaluationRecord, second: EvaluationRecord) -> Bool {
        first.json == second.json
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(json) }
}

extension EvaluationRecord {
    private static func path(_ directory: String, step: Int) -> String {
        "\(directory)/\(folder)/step-\(step).json"
    }

    private var json: JSONValue {
        .object(
            [JSONMember("step", .integer(Int64(step)))]
                + accuracies.map { JSONMember($0.name, .number($0.value)) })
    }

    /// Whether the model after this step was measured.
    public static func exists(
        step: Int, in directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) -> Bool {
        fileSystem.exists(path(directory, step: step))
    }

    /// Writes the record into a state directory, beside what is recorded of the step already.
    ///
    /// - Throws: `StorageError`.
    public func write(
        to directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        try fileSystem.createDirectoryDurably("\(directory)/\(Self.folder)")
        let path = Self.path(directory, step: step)
        var record = self
        if fileSystem.exists(path) {
            record = try Self.read(path, fileSystem).merged(with: self)
        }
        try fileSystem.writeSealedObject(path, record.json)
    }

    /// The records of a state directory in the order of steps; none if nothing was measured.
    ///
    /// - Throws: `StorageError` naming the file that is damaged.
    public static func all(
        in directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> [EvaluationRecord] {
        let place = "\(directory)/\(folder)"
        guard fileSystem.exists(place) else { return [] }
        var records: [EvaluationRecord] = []
        for name in try fileSystem.list(place) where name.hasSuffix(".json") {
            records.append(try read("\(place)/\(name)", fileSystem))
        }
        return records.sorted { $0.step < $1.step }
    }

    /// The record of the last step that was measured; nil if nothing was.
    ///
    /// No other is read.
    ///
    /// - Throws: `StorageError` if it is damaged.
    public static func newest(
        in directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> EvaluationRecord? {
        let place = "\(directory)/\(folder)"
        guard fileSystem.exists(place) else { return nil }
        let steps = try fileSystem.list(place).compactMap { name in
            name.hasPrefix("step-") && name.hasSuffix(".json")
                ? Int(name.dropFirst("step-".count).dropLast(".json".count)) : nil
        }
        guard let last = steps.max() else { return nil }
        return try read(path(directory, step: last), fileSystem)
    }

    private static func read(
        _ path: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> EvaluationRecord {
        let value = try fileSystem.readSealedObject(path)
        guard let step = value["step"]?.integer, step >= 0, let members = value.members else {
            throw .malformed(path: path, reason: "holds no step with its accuracies")
        }
        let figures = members.filter { $0.key != "step" }.compactMap { member in
            member.value.number.map { (name: member.key, value: $0) }
        }
        return EvaluationRecord(step: Int(step), figures)
    }
}
