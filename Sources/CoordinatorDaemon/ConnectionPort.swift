import CoordinatorCore
import Messages
import Synchronization
import Tensors
import Transport
import Wire

/// One accepted connection with its queue of outgoing messages.
///
/// Messages leave in the order in which they were posted. The queue is bounded: a peer that does
/// not read is closed.
final class ConnectionPort: Sendable {
    let id: ConnectionID
    let connection: any Connection
    private let traffic: TrafficBoard
    private let outgoing: AsyncStream<WireMessage>
    private let outbox: AsyncStream<WireMessage>.Continuation
    /// The peer's incarnation once it was taken in, else 0.
    private let incarnation = Mutex(Incarnation(rawValue: 0))

    /// Replies that may wait for a peer; a worker has at most a few requests a slot outstanding.
    private static let outboxMax = 4096

    init(id: ConnectionID, connection: any Connection, traffic: TrafficBoard) {
        self.traffic = traffic
        self.id = id
        self.connection = connection
        (outgoing, outbox) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(Self.outboxMax))
    }

    /// Queues a reply with the tensors that travel beside it.
    func post(_ reply: Reply, _ tensors: NamedTensors = NamedTensors(), to request: RequestID) {
        let incarnation = incarnation.withLock { $0 }
        post(reply.message(to: request, incarnation: incarnation, tensors: tensors.wireTensors))
    }

    /// Queues a push.
    func post(_ push: Push) {
        post(push.message(incarnation: incarnation.withLock { $0 }))
    }

    /// The peer belongs to this incarnation from now on and may send large messages.
    ///
    /// Only the first call has an effect.
    func admit(_ incarnation: Incarnation, limits: ConnectionLimits) {
        let isFirst = self.incarnation.withLock { held in
            guard held.rawValue == 0 else { return false }
            held = incarnation
            return true
        }
        if isFirst { connection.raiseLimits(limits) }
    }

    /// Closes the connection once what was posted before is out.
    func closeWhenSent() { outbox.finish() }

    /// Sends what is posted until the queue ends or the connection fails, then closes.
    func sendPosted() async {
        for await message in outgoing {
            do {
                let begin = ContinuousClock.now
                try await connection.send(message)
                traffic.count(message, taking: begin.duration(to: .now))
            } catch {
                break  // the receiving side of this connection sees the close and reports it
            }
        }
        connection.close()
    }

    /// A full queue closes the connection.
    private func post(_ message: WireMessage) {
        if case .dropped = outbox.yield(message) {
            outbox.finish()
            connection.close()
        }
    }
}
