import Foundation
import Synchronization

/// Strangers who connect and say little: plain sockets, opened again as they are closed.
final class Crowd: Sendable {
    /// What has become of them so far.
    struct Counts {
        /// Connections that were made.
        var opened = 0
        /// Those that the other side has closed.
        var closedByPeer = 0
        /// Most that were open at once.
        var openMax = 0
        /// How many were made before the oldest one that is still open.
        var gone = 0
    }

    private let port: UInt16
    private let words: [[UInt8]]
    private let state = Mutex((counts: Counts(), isOver: false))

    /// A crowd at a port of 127.0.0.1; each of its members sends one of `words` and waits.
    init(port: UInt16, words: [[UInt8]]) {
        self.port = port
        self.words = words
    }

    /// What has become of it so far.
    var counts: Counts { state.withLock { $0.counts } }

    /// Lets it go home.
    func end() { state.withLock { $0.isOver = true } }

    /// Keeps `count` connections open, from 64 addresses, until it is told to end.
    func run(_ count: Int) {
        // Each with how many were made before it.
        var members = [(socket: Int32, number: Int)?](repeating: nil, count: count)
        var counts = Counts()
        while !state.withLock({ $0.isOver }) {
            for index in members.indices {
                if let member = members[index], isClosedByPeer(member.socket) {
                    close(member.socket)
                    members[index] = nil
                    counts.closedByPeer += 1
                }
                guard members[index] == nil, let socket = open(index) else { continue }
                members[index] = (socket, counts.opened)
                counts.opened += 1
            }
            let there = members.compactMap { $0 }
            counts.openMax = max(counts.openMax, there.count)
            counts.gone = there.map(\.number).min() ?? counts.opened
            state.withLock { $0.counts = counts }
            usleep(20_000)
        }
        for member in members { if let member { close(member.socket) } }
    }

    private func open(_ index: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        // All of 127/8 is this machine: a member comes from 127.0.1.1 to 127.0.1.64.
        let home = 0x7f00_0100 + UInt32(index % 64 + 1)
        guard unsafe name(descriptor, host: home, port: 0, with: bind) == 0,
            unsafe name(descriptor, host: 0x7f00_0001, port: port, with: connect) == 0
        else {
            close(descriptor)
            return nil
        }
        let word = words[index % words.count]
        if !word.isEmpty {
            _ = unsafe send(descriptor, word, word.count, Int32(MSG_NOSIGNAL))
        }
        return descriptor
    }

    private func name(
        _ descriptor: Int32, host: UInt32, port: UInt16,
        with call: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe call(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func isClosedByPeer(_ descriptor: Int32) -> Bool {
        var byte: [UInt8] = [0]
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }
}
