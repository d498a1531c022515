/// What a process does, unless it is stopped or dead.
///
/// A stopped process (SIGSTOP, a host that sleeps) does later what was due meanwhile, in order; a
/// dead one does nothing any more.
final class SimulatedProcess {
    private let agenda: Agenda
    private(set) var isDead = false
    private(set) var isStopped = false
    private var backlog: [() -> Void] = []

    /// A running process.
    init(agenda: Agenda) { self.agenda = agenda }

    /// Does something now, or once the process runs again.
    func run(_ deed: @escaping () -> Void) {
        guard !isDead else { return }
        guard !isStopped, backlog.isEmpty else {
            backlog.append(deed)
            return
        }
        deed()
    }

    /// Does something after a while.
    func after(_ pause: Nanoseconds, _ deed: @escaping () -> Void) {
        agenda.after(pause) { [weak self] in self?.run(deed) }
    }

    /// Does something at a time.
    func at(_ time: Nanoseconds, _ deed: @escaping () -> Void) {
        agenda.at(time) { [weak self] in self?.run(deed) }
    }

    /// The process is stopped.
    func stop() { isStopped = true }

    /// The process goes on.
    func goOn() {
        isStopped = false
        while !isStopped, !isDead, !backlog.isEmpty { backlog.removeFirst()() }
    }

    /// The process is no more.
    func die() {
        isDead = true
        backlog = []
    }
}
