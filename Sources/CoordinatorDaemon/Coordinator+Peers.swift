import CoordinatorCore
import Identity
import Logging
import Messages
import Transport
import Wire

extension Coordinator {
    func acceptPeers() async {
        await withDiscardingTaskGroup { group in
            while let connection = await acceptedPeer() {
                let port = open(connection)
                group.addTask { await port.sendPosted() }
                group.addTask { await self.serve(port) }
            }
        }
    }

    /// The next peer, or nil once the coordinator listens no more.
    ///
    /// A peer that could not be accepted, for want of descriptors say, is no reason to stop
    /// listening.
    func acceptedPeer() async -> (any Connection)? {
        while !Task.isCancelled {
            do throws(TransportError) {
                return try await listener.accept()
            } catch .closed {
                return nil
            } catch .cancelled {
                return nil
            } catch {
                logger.warning("a peer could not be accepted", metadata: ["reason": "\(error)"])
                try? await Task.sleep(for: Self.acceptPause)  // cancelled: the loop ends
            }
        }
        return nil
    }

    /// Between two attempts to accept after one failed.
    static let acceptPause = Duration.milliseconds(100)

    func open(_ connection: any Connection) -> ConnectionPort {
        connectionsMade += 1
        let port = ConnectionPort(
            id: ConnectionID(connectionsMade), connection: connection, traffic: traffic)
        ports[port.id] = port
        if isClosing { connection.close() }
        return port
    }

    /// Serves a peer until it is gone; its messages are decoded and checked outside the actor.
    nonisolated func serve(_ port: ConnectionPort) async {
        await begin(port)
        while let message = try? await port.connection.receive() {  // throws: the peer is gone
            traffic.count(message, taking: port.connection.lastReceiveTime)
            let arrival = Arrival(message, of: work)
            await take(
                arrival, RequestID(rawValue: message.requestID),
                as: Incarnation(rawValue: message.incarnation), on: port)
        }
        await end(port)
    }

    func begin(_ port: ConnectionPort) {
        let ticket = secureRandomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        handle(.connected(port.id, peer: port.connection.peer, ticket: ticket))
    }

    func end(_ port: ConnectionPort) {
        port.closeWhenSent()
        ports[port.id] = nil
        claims[port.id] = nil
        handle(.closed(port.id))
    }

    func take(
        _ arrival: Arrival, _ id: RequestID, as incarnation: Incarnation, on port: ConnectionPort
    ) {
        switch arrival {
        case .request(let request, let tensors):
            if let tensors {
                staging.hold(tensors, as: StagedKey(connection: port.id, request: id))
            }
            claims[port.id] = incarnation
            handle(.request(port.id, id, incarnation, request))
        case .unusable(let request, let refusal):
            claims[port.id] = incarnation
            handle(.unusable(port.id, id, incarnation, request, refusal))
        case .undecodable(let refusal): port.post(.refused(refusal), to: id)
        }
    }
}
