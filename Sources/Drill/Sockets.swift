import Glibc
import Synchronization

// The system calls of the relay: the only file of this module that hands pointers to C.

/// A system call that failed.
struct SocketError: Error, CustomStringConvertible {
    let description: String

    init(_ what: String) {
        let code = errno
        description = unsafe "\(what): \(String(cString: strerror(code)))"
    }
}

/// A socket on the loopback interface, owned by whoever holds it; closed with it.
final class LoopbackSocket: Sendable {
    /// What a wait for bytes came to.
    enum Readiness {
        /// Something can be read, or the other side has closed.
        case ready
        /// Nothing within the time given.
        case idle
    }

    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { Glibc.close(descriptor) }

    /// A listening socket on a free port.
    static func listening() throws(SocketError) -> LoopbackSocket {
        let socket = try LoopbackSocket()
        try unsafe socket.withAddress(port: 0) { unsafe bind(socket.descriptor, $0, $1) }
        guard listen(socket.descriptor, 64) == 0 else { throw SocketError("listen") }
        return socket
    }

    /// A socket connected to a port.
    static func connected(to port: UInt16) throws(SocketError) -> LoopbackSocket {
        let socket = try LoopbackSocket()
        try unsafe socket.withAddress(port: port) { unsafe connect(socket.descriptor, $0, $1) }
        return socket
    }

    private init() throws(SocketError) {
        descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError("socket") }
        setFlag(level: Int32(IPPROTO_TCP), TCP_NODELAY)
    }

    private func setFlag(level: Int32, _ name: Int32) {
        var on: Int32 = 1
        _ = unsafe setsockopt(descriptor, level, name, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private func withAddress(
        port: UInt16, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SocketError) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe call($0, size)
            }
        }
        guard result == 0 else { throw SocketError("port \(port) of the loopback interface") }
    }

    /// The port to which it is bound.
    var port: UInt16 {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &size)
            }
        }
        return result == 0 ? UInt16(bigEndian: address.sin_port) : 0
    }

    /// The next peer; nil if there is none, or the socket was shut down.
    func accepted() -> LoopbackSocket? {
        let peer = accept(descriptor, nil, nil)
        guard peer >= 0 else { return nil }
        _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
        let socket = LoopbackSocket(descriptor: peer)
        socket.setFlag(level: Int32(IPPROTO_TCP), TCP_NODELAY)
        return socket
    }

    /// Waits until something can be read.
    func wait(milliseconds: Int32) -> Readiness {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, milliseconds) == 0 ? .idle : .ready
    }

    /// Reads what is there into the buffer; 0 at the end of the stream or if it broke.
    func read(into buffer: inout [UInt8]) -> Int {
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
        }
        return max(0, count)
    }

    /// Writes the first `count` bytes of the buffer; false if the stream broke.
    func write(_ buffer: [UInt8], count: Int) -> Bool {
        unsafe buffer.withUnsafeBytes { bytes in
            var sent = 0
            while sent < count {
                let moved = unsafe send(
                    descriptor, bytes.baseAddress.map { unsafe $0 + sent }, count - sent,
                    Int32(MSG_NOSIGNAL))
                guard moved > 0 else { return false }
                sent += moved
            }
            return true
        }
    }

    /// Ends both directions: waiting calls of other threads return.
    func shutDown() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Ends it at once: the other side's next call fails, as after a crash of a host between.
    func abort() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &linger,
            socklen_t(MemoryLayout<Glibc.linger>.size))
        shutDown()
    }
}
