/// A connection between a peer and the coordinator: two pipes, and two ends that hear of it.
final class SimulatedConnection {
    /// One end of a connection.
    final class End {
        fileprivate let outgoing: SimulatedPipe
        fileprivate let incoming: SimulatedPipe
        private(set) var isClosed = false

        fileprivate init(outgoing: SimulatedPipe, incoming: SimulatedPipe) {
            (self.outgoing, self.incoming) = (outgoing, incoming)
        }

        /// Says who hears of bytes, and of the end; once, before anything can arrive.
        func listen(_ onBytes: @escaping ([UInt8]) -> Void, onEnd: @escaping () -> Void) {
            incoming.onBytes = onBytes
            incoming.onEnd = onEnd
        }

        /// Sends bytes; false if the peer takes none and the connection is to be closed.
        func send(_ bytes: [UInt8]) -> Bool { isClosed || outgoing.send(bytes) }

        /// Closes this end; the other one learns of it after what was sent before.
        func close() {
            guard !isClosed else { return }
            isClosed = true
            incoming.forget()
            outgoing.end()
        }

        /// What this end has sent and the other one has not got is lost.
        func loseWhatIsUnderWay() { outgoing.loseWhatIsUnderWay() }

        /// The connection broke.
        fileprivate func lose() {
            guard !isClosed else { return }
            let heard = incoming.onEnd
            incoming.forget()
            heard?()
        }
    }

    /// The number of the peer at whose end it was dialled.
    let peer: Int
    /// The end of the peer that dialled.
    let dialled: End
    /// The end of the coordinator.
    let accepted: End
    /// From the peer to the coordinator.
    let up: SimulatedPipe
    /// From the coordinator to the peer.
    let down: SimulatedPipe
    private let agenda: Agenda

    init(
        peer: Int, agenda: Agenda, chance: inout Chance, latency: Nanoseconds, bytesMax: Int
    ) {
        self.peer = peer
        self.agenda = agenda
        up = SimulatedPipe(
            agenda: agenda, chance: chance.split(), latency: latency, bytesMax: bytesMax)
        down = SimulatedPipe(
            agenda: agenda, chance: chance.split(), latency: latency, bytesMax: bytesMax)
        dialled = End(outgoing: up, incoming: down)
        accepted = End(outgoing: down, incoming: up)
        up.onCut = { [weak self] in self?.cut() }
        down.onCut = { [weak self] in self?.cut() }
    }

    /// Whether one end at least is open.
    var isOpen: Bool { !dialled.isClosed || !accepted.isClosed }

    /// Breaks the connection; each end learns of it in its own time.
    func cut() {
        agenda.after(.milliseconds(1)) { [dialled] in dialled.lose() }
        agenda.after(.milliseconds(3)) { [accepted] in accepted.lose() }
    }
}
