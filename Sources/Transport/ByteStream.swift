import Wire

/// How a read or write on a stream ended.
enum StreamOutcome: Equatable, Sendable {
    /// So many bytes were moved, at least one.
    case moved(Int)
    /// This side has closed the stream.
    case closed
    /// The other side has closed it, or is gone.
    case peerClosed
    /// Not one byte could be moved within the time given.
    case timedOut
    /// TLS: the other side's certificate is not trusted, or it does not trust ours.
    case notTrusted(String)
    /// TLS: the other side closed the stream before the two had agreed on keys.
    case handshakeEnded
    /// The system reported something else.
    case failed(String)
}

/// An ordered stream of bytes in both directions, as `FramedConnection` needs it.
///
/// At most one read and one write are under way at a time. Both move what they can at once:
/// partial results are normal. Cancellation of the calling task has no effect; `close` ends both.
protocol ByteStream: AnyObject, Sendable {
    /// Who is on the other side, for people.
    var peer: String { get }
    /// Whether the other side is on this machine.
    var isLoopback: Bool { get }

    /// Reads into the slices, in order, whatever is there; waits for the first byte.
    func read(into slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome

    /// Writes from the slices, in order, as much as there is room for; waits for the first byte.
    func write(_ slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome

    /// Ends the stream and whatever waits on it. Never blocks; can be repeated.
    func close()
}

/// The most runs of memory in one read or write (nng 1.5.2 takes 8 in an operation).
let streamSliceCountMax = 8

extension Array where Element == BufferSlice {
    /// Takes `count` bytes off the front.
    ///
    /// - Precondition: there are that many.
    mutating func consume(_ count: Int) {
        var rest = count
        var whole = 0
        while whole < self.count, self[whole].byteCount <= rest {
            rest -= self[whole].byteCount
            whole += 1
        }
        removeFirst(whole)
        guard rest > 0 else { return }
        precondition(!isEmpty, "a stream moves no more bytes than it was given")
        self[0] = self[0].dropFirst(rest)
    }
}

/// The memory that a network keeps for messages to come: 64 MiB, some gradients' worth, or two of
/// the largest message so far where that is more.
let receivePoolBytesMax = 64 << 20
