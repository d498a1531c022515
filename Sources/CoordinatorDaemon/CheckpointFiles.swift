import Methods
import Networks
import Storage
import Tensors

/// How a run's state lies in the files of a checkpoint.
enum CheckpointFiles {
    /// Parameters and batch-norm buffers, by their names in timm or torchvision, and averages.
    static let model = "model.safetensors"
    /// The optimizer's moments, flat in the order of the parameters, and its counter.
    static let optimizer = "optimizer.safetensors"
    /// The method's tables.
    static let tables = "tables.safetensors"

    /// The files of a state.
    ///
    /// - Parameter tables: the state's tables, as they are to be fetched.
    static func all(
        _ state: NumericState, tables arrays: [StateArray]
    ) -> [(name: String, content: CheckpointStore.Content)] {
        [
            (model, content(state.parameters)), (optimizer, content(state.optimizer)),
            (tables, .changes(arrays.map(\.changedArray))),
        ]
    }

    /// The state in a checkpoint, compared with its checksums as it is read.
    static func read(_ checkpoint: Checkpoint) throws(StorageError) -> NumericState {
        NumericState(
            committed: checkpoint.step,
            parameters: try parameters(in: checkpoint),
            optimizer: try arrays(optimizer, in: checkpoint),
            tables: try arrays(tables, in: checkpoint), base: checkpoint.base?.step)
    }

    /// Parameters and buffers in a checkpoint, compared with their checksums as they are read.
    static func parameters(in checkpoint: Checkpoint) throws(StorageError) -> [StateArray] {
        try arrays(model, in: checkpoint)
    }

    /// One flat vector from named tensors.
    ///
    /// - Throws: `DaemonError.badState` if one is missing or has another shape.
    static func flat(
        _ arrays: [StateArray], _ layout: FlatLayout, prefix: String = "", file: String
    ) throws -> Tensor {
        layout.gathered(
            try layout.entries.map { entry in
                let name = prefix + entry.name
                guard let array = arrays.first(where: { $0.name == name }),
                    case .floats(let tensor) = array.values, tensor.shape == entry.shape
                else {
                    throw DaemonError.badState(
                        file: file, reason: "holds no \(name) of shape \(entry.shape)")
                }
                return tensor
            })
    }

    /// What the names of averages begin with, before those of the parameters.
    static let averagesPrefix = "averages."

    private static func content(_ arrays: [StateArray]) -> CheckpointStore.Content {
        .safetensors(arrays.map(\.changedArray.entry))
    }

    private static func arrays(
        _ file: String, in checkpoint: Checkpoint
    ) throws(StorageError) -> [StateArray] {
        var arrays: [StateArray] = []
        for array in try checkpoint.changedArrays(file) {
            let (name, change) = (array.entry.name, array.change)
            switch array.entry.value {
            case .f32(let tensor): arrays.append(StateArray(name, .floats(tensor), change: change))
            case .i64(let values, _):
                arrays.append(StateArray(name, .integers(values), change: change))
            default: preconditionFailure("\(name) is neither floats nor integers")
            }
        }
        return arrays
    }
}
