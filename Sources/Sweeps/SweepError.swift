/// Why a sweep cannot be made.
public enum SweepError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is to be set cannot be.
    case badSetting(String, String)
    /// A run did not come to its end.
    case runFailed(name: String, how: String)
    /// It was told to stop.
    case stopped(finished: Int, of: Int)

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .badSetting(let what, let why):
            "--set \(what): \(why). Example: --set mlcd.rate=0.01,0.1,1 --set seed=0,1,2"
        case .runFailed(let name, let how):
            "The run \(name) ended with \(how); see its message above. The same command goes on "
                + "with it."
        case .stopped(let finished, let count):
            "stopped with \(finished) of \(count) runs finished; the same command goes on"
        }
    }

    /// Whether the cause is what the user gave, rather than a failure on the way.
    public var isBadInput: Bool {
        switch self {
        case .badSetting: true
        case .runFailed, .stopped: false
        }
    }
}
