/// A monotonic clock of a process: it may run fast or slow, and jump ahead.
struct SimulatedClock {
    private var shown: Nanoseconds
    private var since: Nanoseconds
    private var percent: UInt64 = 100

    /// A clock that shows the time.
    init(at now: Nanoseconds) { (shown, since) = (now, now) }

    /// What it shows.
    func time(at now: Nanoseconds) -> Nanoseconds { shown + (now - since) * percent / 100 }

    /// How long something lasts that takes so long by this clock.
    func length(of pause: Nanoseconds) -> Nanoseconds { pause * 100 / percent }

    /// From now on it runs at so many percent of the true speed.
    mutating func run(at percent: UInt64, from now: Nanoseconds) {
        (shown, since) = (time(at: now), now)
        self.percent = percent
    }

    /// It jumps ahead.
    mutating func jump(by time: Nanoseconds) { shown += time }
}

/// What a process does, unless it is stopped or dead.
///
/// A stopped process (SIGSTOP, a host that sleeps) does later what was due meanwhile, in order; a
/// dead one does nothing any more.
final class SimulatedProcess {
    private let agenda: Agenda
    private var clock: SimulatedClock
    private(set) var isDead = false
    private(set) var isStopped = false
    private var backlog: [() -> Void] = []

    /// A running process.
    init(agenda: Agenda) {
        self.agenda = agenda
        clock = SimulatedClock(at: agenda.now)
    }

    /// The time as its clock shows it.
    var time: Nanoseconds { clock.time(at: agenda.now) }

    /// From now on its clock runs at so many percent of the true speed.
    func runClock(at percent: UInt64) { clock.run(at: percent, from: agenda.now) }

    /// Its clock jumps ahead.
    func jumpClock(by time: Nanoseconds) { clock.jump(by: time) }

    /// Does something now, or once the process runs again.
    func run(_ deed: @escaping () -> Void) {
        guard !isDead else { return }
        guard !isStopped, backlog.isEmpty else {
            backlog.append(deed)
            return
        }
        deed()
    }

    /// Does something after a while, by its own clock.
    func after(_ pause: Nanoseconds, _ deed: @escaping () -> Void) {
        agenda.after(clock.length(of: pause)) { [weak self] in self?.run(deed) }
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
