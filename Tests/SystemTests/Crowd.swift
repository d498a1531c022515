import Foundation

/// Strangers who connect and say little: plain sockets, opened again as they are closed.
final class Crowd: @unchecked Sendable {
    // Sendable: used by the one thread that runs it; the counts are read once it has ended.
    private let port: UInt16
    private let words: [[UInt8]]
    private let isOver: @Sendable () -> Bool
    private(set) var opened = 0
    private(set) var closedByPeer = 0
    private(set) var openMax = 0

    /// A crowd at a port of 127.0.0.1; each of its members sends one of `words` and waits.
    init(port: UInt16, words: [[UInt8]], until isOver: @escaping @Sendable () -> Bool) {
        self.port = port
        self.words = words
        self.isOver = isOver
    }

    /// Keeps `count` connections open, from 64 addresses, until it is over.
    func run(_ count: Int) {
        var sockets = [Int32](repeating: -1, count: count)
        while !isOver() {
            for index in sockets.indices {
                if sockets[index] >= 0, isClosedByPeer(sockets[index]) {
                    close(sockets[index])
                    sockets[index] = -1
                    closedByPeer += 1
                }
                guard sockets[index] < 0 else { continue }
                sockets[index] = open(index)
                if sockets[index] >= 0 { opened += 1 }
            }
            openMax = max(openMax, sockets.count { $0 >= 0 })
            usleep(20_000)
        }
        for socket in sockets where socket >= 0 { close(socket) }
    }

    private func open(_ index: Int) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        // All of 127/8 is this machine: a member comes from 127.0.1.1 to 127.0.1.64.
        let home = 0x7f00_0100 + UInt32(index % 64 + 1)
        guard unsafe name(descriptor, host: home, port: 0, with: bind) == 0,
            unsafe name(descriptor, host: 0x7f00_0001, port: port, with: connect) == 0
        else {
            close(descriptor)
            return -1
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
