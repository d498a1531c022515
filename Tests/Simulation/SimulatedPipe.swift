/// What goes wrong in one direction of a connection.
struct PipeFaults {
    /// The connection is cut once so many bytes were accepted from the writer.
    var cutAfter: Int?
    /// Bytes past this one are accepted and never delivered, nor is the end.
    var swallowAfter: Int?
    /// The byte at this place arrives with one bit changed.
    var flipAt: Int?
    /// Nothing arrives while it lasts.
    var isStopped = false
    /// Added to the time under way.
    var delay: Nanoseconds = 0
    /// A reader that takes no more than so many bytes a second.
    var bytesPerSecond: UInt64?
}

/// One direction of a connection: bytes in order, cut into pieces anywhere.
final class SimulatedPipe {
    private enum Piece {
        case bytes([UInt8])
        case end
    }

    private let agenda: Agenda
    private var chance: Chance
    private let latency: Nanoseconds
    /// Bytes that may be under way; a writer whose reader takes none is cut off.
    private let bytesMax: Int
    private var lastArrival: Nanoseconds = 0
    private var held: [Piece] = []
    private(set) var acceptedBytes = 0
    private(set) var bytesUnderWay = 0
    private var arrivedBytes = 0
    private var isEnded = false
    private var isLost = false
    /// Faults from now on.
    var faults = PipeFaults() {
        didSet { if oldValue.isStopped, !faults.isStopped { release() } }
    }
    /// Hears what arrives.
    var onBytes: (([UInt8]) -> Void)?
    /// Hears that nothing more arrives.
    var onEnd: (() -> Void)?
    /// Hears that the connection breaks.
    var onCut: (() -> Void)?

    /// A direction whose pieces take at least `latency`.
    init(agenda: Agenda, chance: Chance, latency: Nanoseconds, bytesMax: Int) {
        (self.agenda, self.chance, self.latency) = (agenda, chance, latency)
        self.bytesMax = bytesMax
    }

    /// Whether neither end learns from it any more.
    var isMute: Bool { acceptedBytes > faults.swallowAfter ?? .max }

    /// Accepts bytes; false if too many are under way.
    func send(_ bytes: [UInt8]) -> Bool {
        guard !isEnded else { return true }
        guard bytesUnderWay + bytes.count <= bytesMax else { return false }
        var rest = bytes[...]
        let untilCut = (faults.cutAfter ?? .max) - acceptedBytes
        let isCut = untilCut <= rest.count
        if isCut { rest = rest.prefix(max(untilCut, 0)) }
        acceptedBytes += rest.count
        let untilSwallowed = (faults.swallowAfter ?? .max) - (acceptedBytes - rest.count)
        rest = rest.prefix(max(untilSwallowed, 0))
        while !rest.isEmpty {
            // Most writes arrive in one piece, some in two or three, cut anywhere.
            let count = chance.happens(85) ? rest.count : 1 + chance.below(rest.count)
            bytesUnderWay += count
            schedule(.bytes(Array(rest.prefix(count))), byteCount: count)
            rest = rest.dropFirst(count)
        }
        if isCut { onCut?() }
        return true
    }

    /// The writer ends: what is under way arrives, then the end.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        if !isMute { schedule(.end, byteCount: 0) }
    }

    /// Nothing more arrives of what was sent.
    func loseWhatIsUnderWay() { isLost = true }

    /// Nobody hears of it any more.
    func forget() { (onBytes, onEnd, onCut) = (nil, nil, nil) }

    private func schedule(_ piece: Piece, byteCount: Int) {
        var time = agenda.now + latency + faults.delay + chance.time(0...latency)
        time = max(time, lastArrival)
        if let rate = faults.bytesPerSecond {
            time += UInt64(byteCount) * 1_000_000_000 / rate
        }
        lastArrival = time
        agenda.at(time) { [weak self] in self?.arrive(piece) }
    }

    private func arrive(_ piece: Piece) {
        guard !isLost else { return }
        guard !faults.isStopped, held.isEmpty else {
            held.append(piece)
            return
        }
        give(piece)
    }

    private func release() {
        let pieces = held
        held = []
        for piece in pieces { give(piece) }
    }

    private func give(_ piece: Piece) {
        switch piece {
        case .bytes(var bytes):
            bytesUnderWay -= bytes.count
            if let place = faults.flipAt, place >= arrivedBytes,
                place < arrivedBytes + bytes.count
            {
                bytes[place - arrivedBytes] ^= 1 << UInt8(place & 7)
                faults.flipAt = nil
            }
            arrivedBytes += bytes.count
            onBytes?(bytes)
        case .end: onEnd?()
        }
    }
}
