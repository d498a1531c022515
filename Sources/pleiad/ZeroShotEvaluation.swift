import CoordinatorDaemon
import Datasets
import Evaluation
import Methods
import RunFiles
import Storage

/// Accuracy of a text tower's zero-shot classifier on test images that are embedded already.
struct ZeroShotEvaluation {
    /// The step of the checkpoint.
    let step: Int
    /// The file of embeddings.
    let images: String
    /// Share of test images whose class scores highest.
    let accuracy: Double

    /// Measures a checkpoint of a run of `lit`.
    ///
    /// - Parameters:
    ///   - step: that of a checkpoint; the newest one by default.
    ///   - images: what `pleiad embed --test` wrote, with the network and flags of `lit.images`.
    ///   - data: the folder of the data set; by default what the run file says.
    /// - Throws: `LiTError.noTexts` for a run of another method; what reading files throws.
    init(of run: StoredRun, step: Int?, images: String, data: String?) throws {
        guard let method = run.plan.method as? LiT else {
            throw LiTError.noTexts(method: run.plan.settings.method)
        }
        let (version, made) = try run.trainedVersion(step: step)
        let test = try run.plan.loadData(directory: data).test
        let embeddings = try LiT.imageEmbeddings(
            images, count: test.count, dim: method.settings.images.dim)
        accuracy = method.zeroShotHead(version)
            .accuracy(of: embeddings, test.labels.map(Int.init))
        self.step = made
        self.images = images
    }

    /// For people.
    var text: String {
        "step \(step)  zero-shot \(decimals(100 * accuracy, 2)) % (\(images))"
    }

    /// One JSON object.
    var json: String {
        JSONValue.object([JSONMember("zero_shot", ["top1": .number(accuracy)])]).text
    }

    /// The same as it is kept of a step.
    var record: EvaluationRecord {
        EvaluationRecord(step: step, [("zero_shot.top1", accuracy)])
    }
}
