internal import Kernels
internal import Synchronization
internal import Tensors

/// Bytes a second between cores and memory: copies, and y <- y + a x, over vectors that no cache
/// holds.
struct MemoryRates {
    private let crew: SlotCrew
    private let threads: Int
    private let seconds: Double

    /// 128 MiB a vector and thread.
    private static let floats = 32 << 20

    init(_ crew: SlotCrew, threads: Int, seconds: Double) {
        self.crew = crew
        self.threads = threads
        self.seconds = seconds
    }

    /// Lines for copy (one read, one write) and triad (two reads, one write).
    ///
    /// Bytes are those that the program names; a write may cost the memory a read as well.
    func lines() -> [CaseLine] {
        let vectors = (0..<threads).map { _ in VectorPair(count: Self.floats) }
        return [
            line("copy", bytesPerFloat: 8) { vectors[$0].copy() },
            line("triad", bytesPerFloat: 12) { vectors[$0].addProduct() },
        ]
    }

    /// Bytes that one thread copies in a second from one place of memory to another.
    static func copyRate(_ crew: SlotCrew, seconds: Double) -> Double {
        let rates = MemoryRates(crew, threads: 1, seconds: seconds)
        let vectors = VectorPair(count: floats)
        return Double(floats) * 4 / rates.middle { _ in vectors.copy() }
    }

    private func line(
        _ name: String, bytesPerFloat: Double, _ body: @escaping @Sendable (Int) -> Void
    ) -> CaseLine {
        let seconds = middle(body)
        let bytes = Double(threads) * Double(Self.floats) * bytesPerFloat
        var line = CaseLine("memory-\(name)-\(threads)")
        line.set("threads", threads)
        line.set("seconds", seconds)
        line.set("gigabytes_per_second", bytes / seconds * 1e-9)
        return line
    }

    /// The middle one of all runs' seconds.
    private func middle(_ body: @escaping @Sendable (Int) -> Void) -> Double {
        crew.run(slots: threads, body)
        var found: [Double] = []
        let end = monotonicSeconds() + seconds
        repeat {
            let begin = monotonicSeconds()
            crew.run(slots: threads, body)
            found.append(monotonicSeconds() - begin)
        } while monotonicSeconds() < end
        return median(found)
    }
}

/// Two vectors of one thread.
private final class VectorPair: Sendable {
    private let x: Tensor
    private let y: Mutex<Tensor>

    init(count: Int) {
        x = Tensor(repeating: 1, shape: [count])
        y = Mutex(Tensor(zeros: [count]))
    }

    func copy() {
        y.withLock { [x] y in
            let x = x
            var span = y.mutableSpan
            Vector.copy(x.span, into: &span)
        }
    }

    func addProduct() {
        y.withLock { [x] y in
            let x = x
            var span = y.mutableSpan
            Vector.axpy(0.5, x.span, into: &span)
        }
    }
}
