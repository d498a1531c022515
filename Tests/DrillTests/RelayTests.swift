import Foundation
import Testing

@testable import Drill

/// A relay between two sockets on the loopback interface.
@Suite(.serialized) struct RelayTests {
    /// Both ends of a connection through a relay.
    private struct Line {
        let relay: Relay
        let server: LoopbackSocket
        let worker: LoopbackSocket
        let coordinator: LoopbackSocket

        init() throws {
            relay = try Relay()
            server = try LoopbackSocket.listening()
            relay.lead(to: server.port)
            worker = try LoopbackSocket.connected(to: try #require(Self.port(of: relay.place)))
            coordinator = try #require(server.accepted())
        }

        static func port(of url: String) -> UInt16? {
            url.split(separator: ":").last.flatMap { UInt16($0) }
        }
    }

    /// Reads until there are so many bytes, or the stream has ended, or nothing comes for long.
    private func read(_ socket: LoopbackSocket, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < count {
            guard socket.wait(milliseconds: 10_000) == .ready else {
                Issue.record("nothing came, and no end")
                break
            }
            let moved = socket.read(into: &buffer)
            guard moved > 0 else { break }
            bytes += buffer.prefix(moved)
        }
        return bytes
    }

    @Test(.timeLimit(.minutes(1)))
    func `bytes pass in both directions, in order`() throws {
        let line = try Line()
        let bytes = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let worker = line.worker
        Thread.detachNewThread { _ = worker.write(bytes, count: bytes.count) }
        #expect(read(line.coordinator, count: bytes.count) == bytes)
        #expect(line.coordinator.write([1, 2, 3], count: 3))
        #expect(read(line.worker, count: 3) == [1, 2, 3])
        line.relay.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func `a cut ends both sides, and the next connection passes`() throws {
        let line = try Line()
        line.relay.cut()
        #expect(read(line.worker, count: 1).isEmpty)
        #expect(read(line.coordinator, count: 1).isEmpty)
        let port = try #require(Line.port(of: line.relay.place))
        let again = try LoopbackSocket.connected(to: port)
        let peer = try #require(line.server.accepted())
        #expect(again.write([9], count: 1))
        #expect(read(peer, count: 1) == [9])
        line.relay.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func `a connection that is only being made is cut, too`() throws {
        for _ in 0..<300 {
            let line = try Line()
            line.relay.cut()
            let isOver = line.worker.wait(milliseconds: 5000) == .ready
            line.relay.close()
            try #require(isOver, "it lived on")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a stalled connection moves nothing and loses nothing`() throws {
        let line = try Line()
        line.relay.stall(true)
        #expect(line.worker.write([7, 8], count: 2))
        #expect(line.coordinator.wait(milliseconds: 300) == .idle)
        line.relay.stall(false)
        #expect(read(line.coordinator, count: 2) == [7, 8])
        line.relay.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func `without a coordinator a connection ends at once`() throws {
        let relay = try Relay()
        let port = try #require(Line.port(of: relay.place))
        let worker = try LoopbackSocket.connected(to: port)
        #expect(read(worker, count: 1).isEmpty)
        relay.close()
    }
}
