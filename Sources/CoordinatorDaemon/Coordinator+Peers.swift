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
        let port = ConnectionPort(id: ConnectionID(connectionsMade), connection: connection)
        ports[port.id] = port
        return port
    }

    func serve(_ port: ConnectionPort) async {
        let ticket = secureRandomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        handle(.connected(port.id, peer: port.connection.peer, ticket: ticket))
        while let message = try? await port.connection.receive() {  // throws: the peer is gone
            receive(message, on: port)
        }
        port.closeWhenSent()
        ports[port.id] = nil
        claims[port.id] = nil
        staging.dropAll(of: port.id)
        handle(.closed(port.id))
    }

    func receive(_ message: WireMessage, on port: ConnectionPort) {
        let id = RequestID(rawValue: message.requestID)
        do throws(Refusal) {
            let request = try Request(message)
            try staging.stage(request, message.body.tensors, from: port.id, id: id, run: run)
            let incarnation = Incarnation(rawValue: message.incarnation)
            claims[port.id] = incarnation
            handle(.request(port.id, id, incarnation, request))
        } catch {
            port.post(.refused(error), to: id)
        }
    }
}
