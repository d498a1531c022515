import CoordinatorCore
import WorkerCore

/// The one bug that a simulation plants, if any.
public struct Planted: Sendable, Hashable, CustomStringConvertible {
    var machine: Flaw?
    var worker: WorkerFlaw?
    var shell: ShellFlaw?

    /// No bug.
    public static let none = Planted()

    /// Every bug that can be planted.
    public static let all: [Planted] =
        Flaw.allCases.map { Planted(machine: $0) }
        + WorkerFlaw.allCases.map { Planted(worker: $0) }
        + ShellFlaw.allCases.map { Planted(shell: $0) }

    private init(machine: Flaw? = nil, worker: WorkerFlaw? = nil, shell: ShellFlaw? = nil) {
        (self.machine, self.worker, self.shell) = (machine, worker, shell)
    }

    /// The bug of this name, or nil.
    public init?(named name: String) {
        guard let flaw = Planted.all.first(where: { $0.description == name }) else { return nil }
        self = flaw
    }

    /// Its name.
    public var description: String {
        machine?.rawValue ?? worker?.rawValue ?? shell?.rawValue ?? "none"
    }
}
