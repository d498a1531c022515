/// What is wrong with stored state that a table is asked to take over.
public enum TableError: Error, Equatable, Sendable, CustomStringConvertible {
    /// An array is not there.
    case missing(String)
    /// An array has another type or shape than the table's.
    case mismatch(array: String, found: String, wanted: String)
    /// A row number that is none, or stands there twice.
    case badRow(array: String, row: Int64)

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .missing(let name):
            "the checkpoint has no array \(name): it is of another run or another version"
        case .mismatch(let array, let found, let wanted):
            "array \(array) of the checkpoint is \(found) where this run has \(wanted): "
                + "use the run file that it was made with"
        case .badRow(let array, let row):
            "array \(array) of the checkpoint names row \(row), which is no row or named twice: "
                + "use an older checkpoint"
        }
    }
}
