public import Datasets
internal import Evaluation
public import Methods
public import Storage
internal import Tables
public import Tensors

/// The memory bank of a run at one of its checkpoints: one row a training image, against which its
/// losses compared images.
public struct InspectedBank: Sendable {
    /// V `[N, D]`, as it is: rows need not be of unit length.
    public let rows: Tensor

    /// Neighbours that vote, and the temperature of their votes (sheet contrastive, section 5).
    private static let (neighbours, sigma) = (200, 0.07 as Float)

    /// Reads a bank.
    ///
    /// - Parameters:
    ///   - files: where the run's method keeps it.
    ///   - tables: the file of tables in a checkpoint.
    public init(_ files: BankFiles, tables: StreamedSafetensors) throws(InspectionError) {
        do throws(StorageError) {
            rows = try MemoryBank.storedRows(in: tables, prefix: files.prefix, dim: files.dim)
        } catch {
            throw .file(error)
        }
    }

    /// The kNN monitor of instance discrimination: the share of images whose class gets most votes
    /// e^(s/0.07) of the 200 nearest rows.
    ///
    /// - Parameters:
    ///   - embeddings: z `[n, D]` of the images asked about, of any length, finite.
    ///   - labels: the class of each.
    ///   - images: those that the rows are of.
    ///   - threads: without influence on the result.
    /// - Throws: `InspectionError.otherBank` if there are not as many images as rows.
    public func accuracy(
        of embeddings: Tensor, labels: [Int], among images: ImageDataset, threads: Int
    ) throws(InspectionError) -> Double {
        guard images.count == rows.shape[0] else {
            throw .otherBank(name: images.name, images: images.count, rows: rows.shape[0])
        }
        return NeighbourScores(
            queries: embeddings.unitRows(), bank: rows, labels: images.labels.map(Int.init),
            classCount: images.classCount, neighbours: min(Self.neighbours, images.count),
            sigma: Self.sigma, threads: threads
        ).accuracy(labels)
    }
}
