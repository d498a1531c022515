import Foundation
import Synchronization

/// A place between a worker and the coordinator: bytes pass in both directions until the relay is
/// told to cut the connections, or to let them stand still.
///
/// Every direction of a connection has a thread of its own, which waits in the system.
final class Relay: Sendable {
    /// A connection through the relay.
    private struct Link {
        let worker: LoopbackSocket
        let coordinator: LoopbackSocket

        func abort() {
            worker.abort()
            coordinator.abort()
        }
    }

    private struct State {
        /// Where the coordinator listens; nil while there is none.
        var target: UInt16?
        var isStalled = false
        var isClosed = false
        var links: [Int: Link] = [:]
        var made = 0
        /// How often everything was cut: a connection that was being made meanwhile is cut, too.
        var cuts = 0
    }

    private let listener: LoopbackSocket
    private let state = Mutex(State())

    /// Bytes that are moved at a time.
    private static let chunkBytes = 1 << 18
    /// How long a direction without bytes waits before it looks whether its connection is cut.
    private static let waitMilliseconds: Int32 = 200
    /// How soon a direction that stands still looks whether it may go on, in microseconds.
    private static let lookMicroseconds: UInt32 = 10_000

    /// A relay on a free port that knows no coordinator yet.
    init() throws(SocketError) {
        listener = try LoopbackSocket.listening()
        Thread.detachNewThread { self.acceptAll() }
    }

    /// Where the worker joins: host and port.
    var place: String { "127.0.0.1:\(listener.port)" }

    /// Leads later connections to a coordinator at this port, or to nobody.
    func lead(to port: UInt16?) { state.withLock { $0.target = port } }

    /// Cuts every connection at whatever byte it is.
    func cut() {
        let links = state.withLock { state in
            defer { state.links = [:] }
            state.cuts += 1
            return state.links.values.map { $0 }
        }
        for link in links { link.abort() }
    }

    /// Lets every connection stand still, half-open, or go on: no byte is lost.
    ///
    /// A connection that is made meanwhile is accepted and stands still as well.
    func stall(_ isStalled: Bool) { state.withLock { $0.isStalled = isStalled } }

    /// Cuts every connection and listens no more.
    func close() {
        state.withLock { $0.isClosed = true }
        listener.shutDown()
        cut()
    }

    private var isStalled: Bool { state.withLock { $0.isStalled && !$0.isClosed } }

    // MARK: Threads

    private func acceptAll() {
        while !state.withLock({ $0.isClosed }) {
            guard let worker = listener.accepted() else {
                usleep(Self.lookMicroseconds)  // out of descriptors, say: the loop tries again
                continue
            }
            let (port, cuts) = state.withLock { ($0.isClosed ? nil : $0.target, $0.cuts) }
            guard let target = port,
                let coordinator = try? LoopbackSocket.connected(to: target)
            else { continue }  // nobody there: the worker's connection ends with its socket
            let link = Link(worker: worker, coordinator: coordinator)
            let number = state.withLock { state -> Int? in
                guard state.cuts == cuts else { return nil }
                state.made += 1
                state.links[state.made] = link
                return state.made
            }
            guard let number else {
                link.abort()
                continue
            }
            Thread.detachNewThread { self.move(from: worker, to: coordinator, link: number) }
            Thread.detachNewThread { self.move(from: coordinator, to: worker, link: number) }
        }
    }

    /// Moves bytes one way until either side ends.
    private func move(from source: LoopbackSocket, to sink: LoopbackSocket, link: Int) {
        var buffer = [UInt8](repeating: 0, count: Self.chunkBytes)
        while state.withLock({ $0.links[link] != nil }) {
            guard source.wait(milliseconds: Self.waitMilliseconds) == .ready else { continue }
            while isStalled { usleep(Self.lookMicroseconds) }
            let count = source.read(into: &buffer)
            guard count > 0, sink.write(buffer, count: count) else { break }
        }
        source.shutDown()
        sink.shutDown()
        state.withLock { $0.links[link] = nil }
    }
}
