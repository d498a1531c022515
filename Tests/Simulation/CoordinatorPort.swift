import CoordinatorCore
import Messages
import Wire

/// One accepted connection as the simulated coordinator sees it.
final class CoordinatorPort {
    let id: ConnectionID
    let end: SimulatedConnection.End
    /// The number of the worker that dialled; for the referee only.
    let peer: Int
    var reader = FrameReader()
    /// The peer's incarnation once it was taken in.
    var incarnation = Incarnation(rawValue: 0)
    /// The incarnation that its last request carried.
    var claimed = Incarnation(rawValue: 0)
    /// Whether the machine has closed it.
    var isClosing = false

    init(id: ConnectionID, connection: SimulatedConnection) {
        self.id = id
        end = connection.accepted
        peer = connection.peer
    }

    /// Sends a message; false if the peer takes none.
    func post(_ message: WireMessage) -> Bool { isClosing || end.send(message.encoded) }
}
