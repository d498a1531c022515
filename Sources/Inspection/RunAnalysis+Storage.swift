internal import Evaluation
public import Storage

/// Analyses are kept beside evaluations in a state directory: one file a step, which carries its
/// checksum.
extension RunAnalysis {
    /// The folder in a state directory.
    public static let folder = "analyses"
    /// An analysis has some 600 numbers.
    private static let bytesMax = 1 << 18

    private static func path(_ directory: String, step: Int) -> String {
        "\(directory)/\(folder)/step-\(step).json"
    }

    /// Keeps the analysis, with its accuracies among the evaluations.
    ///
    /// - Precondition: it is of a step.
    /// - Throws: `InspectionError.file`.
    public func write(
        to directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(InspectionError) {
        guard let step else { preconditionFailure("an analysis of no step is not kept") }
        do throws(StorageError) {
            try fileSystem.createDirectoryDurably("\(directory)/\(Self.folder)")
            try fileSystem.writeSealedObject(Self.path(directory, step: step), json)
            try evaluation(of: step).write(to: directory, fileSystem: fileSystem)
        } catch {
            throw .file(error)
        }
    }

    /// The analysis of a step; nil if none is kept.
    ///
    /// - Throws: `InspectionError.file` if it is damaged.
    public static func read(
        step: Int, in directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(InspectionError) -> RunAnalysis? {
        let path = path(directory, step: step)
        guard fileSystem.exists(path) else { return nil }
        do throws(StorageError) {
            let json = try fileSystem.readSealedObject(path, upTo: bytesMax)
            guard let analysis = RunAnalysis(json: json) else {
                throw .malformed(path: path, reason: "is no analysis: make it again")
            }
            return analysis
        } catch {
            throw .file(error)
        }
    }
}
