import Buffers
import CNNG
import Dispatch
import Synchronization
import Wire

/// What nng said when an operation ended.
struct NNGResult: Sendable {
    /// 0, or an `NNG_E...` code.
    var code: UInt32
    /// The bytes moved.
    var count = 0
    /// The address of the stream that a dial or accept gave, or 0.
    var output: UInt = 0

    static let closed = NNGResult(code: NNG_ECLOSED.rawValue)
    static let cancelled = NNGResult(code: NNG_ECANCELED.rawValue)
}

/// An nng object (stream, dialer or listener) and its operations, freed in the one safe order.
///
/// nng 1.5.2 wants: close, stop every aio (which waits for callbacks, so never within one), then
/// free. `close` hands the object to the reaper's queue, which closes it; when the last operation
/// has called back and no call into nng is under way, the reaper stops and frees everything.
/// An aio is started again only after its callback has run.
///
/// Addresses are kept as numbers and become pointers only in calls of nng: so the state is plain
/// data behind a lock, and what keeps the memory alive is the order above.
@safe final class NNGHandle: Sendable {
    /// What the handle holds; decides which functions close and free it.
    enum Kind {
        case stream, dialer, listener
    }

    /// What can be started; each handle runs one operation of a lane at a time.
    enum Operation {
        case read, write, dial, accept

        /// The lane of the operation: streams have two, dialers and listeners one.
        var lane: Int { self == .write ? 1 : 0 }
    }

    private struct Lane {
        var callback: NNGCallback
        /// Address of the aio.
        var aio: UInt = 0
        /// From before nng is called until the callback has run.
        var isPending = false
        /// While the call that starts an operation has not returned.
        var isStarting = false
        var waiter: CheckedContinuation<NNGResult, Never>?
        /// A result that came when nobody waited (an accept whose waiter was cancelled).
        var unclaimed: NNGResult?
        /// Memory that nng reads or writes meanwhile.
        var held: [BufferSlice] = []
    }

    private struct State {
        var lanes: [Lane] = []
        var isClosed = false
        /// Whether the reaper has closed the object in nng.
        var isShut = false
        var isBuried = false

        /// Claims the burial if its time has come; only one caller gets true.
        mutating func claimBurial() -> Bool {
            let isIdle = lanes.allSatisfy { !$0.isPending && !$0.isStarting }
            guard isShut, isIdle, !isBuried else { return false }
            isBuried = true
            return true
        }
    }

    /// Where nng objects are closed, stopped and freed: one at a time, never in a callback.
    private static let reaper = DispatchQueue(label: "pleiad.nng.reaper")

    private let kind: Kind
    private let address: UInt
    /// The dialer that made this stream: it is closed after the stream is freed.
    private let parent: NNGHandle?
    private let state = Mutex(State())

    /// Takes over the nng object at `address`.
    ///
    /// - Throws: `.outOfResources` if nng cannot allocate its aios; the object is freed then.
    init(_ kind: Kind, address: UInt, parent: NNGHandle? = nil) throws(TransportError) {
        self.kind = kind
        self.address = address
        self.parent = parent
        for lane in 0..<(kind == .stream ? 2 : 1) {
            let callback = NNGCallback(handle: self, lane: lane)
            var aio: OpaquePointer?
            let code = unsafe nng_aio_alloc(
                &aio, nngDidFinish, Unmanaged.passUnretained(callback).toOpaque())
            guard code == 0 else {
                close()
                throw .outOfResources(
                    what: "an asynchronous operation", problem: nngMessage(UInt32(code)))
            }
            let address = UInt(bitPattern: aio)
            state.withLock { $0.lanes.append(Lane(callback: callback, aio: address)) }
        }
    }

    /// Whether `close` was called.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Ends the object and its operations.
    ///
    /// Never blocks; can be repeated.
    func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        Self.reaper.async { self.shut() }
    }
}

// MARK: - Operations

extension NNGHandle {
    /// Runs an operation to its end.
    ///
    /// - Parameters:
    ///   - slices: at most 8 runs of memory to read into or write from; kept alive meanwhile.
    ///   - timeout: after which nng ends the operation with `NNG_ETIMEDOUT`; nil for no limit.
    /// - Precondition: no other operation of this lane is waited for.
    func run(
        _ operation: Operation, _ slices: [BufferSlice] = [], timeout: Duration?
    ) async -> NNGResult {
        await withCheckedContinuation { continuation in
            begin(operation, slices, timeout, continuation)
        }
    }

    /// Lets the waiter of `operation` go with `NNG_ECANCELED`; the operation itself goes on and
    /// its result is kept for the next `run`.
    func abandon(_ operation: Operation) {
        let waiter = state.withLock { state -> CheckedContinuation<NNGResult, Never>? in
            guard !state.lanes.isEmpty else { return nil }
            defer { state.lanes[operation.lane].waiter = nil }
            return state.lanes[operation.lane].waiter
        }
        waiter?.resume(returning: .cancelled)
    }

    private enum Beginning {
        case start(aio: UInt)
        case done(NNGResult)
        case join
    }

    private func begin(
        _ operation: Operation, _ slices: [BufferSlice], _ timeout: Duration?,
        _ continuation: CheckedContinuation<NNGResult, Never>
    ) {
        let lane = operation.lane
        let beginning = state.withLock { state -> Beginning in
            guard !state.isClosed else { return .done(.closed) }
            precondition(state.lanes[lane].waiter == nil, "one waiter for each operation")
            if let result = state.lanes[lane].unclaimed {
                state.lanes[lane].unclaimed = nil
                return .done(result)
            }
            state.lanes[lane].waiter = continuation
            guard !state.lanes[lane].isPending else { return .join }
            state.lanes[lane].isPending = true
            state.lanes[lane].isStarting = true
            state.lanes[lane].held = slices
            return .start(aio: state.lanes[lane].aio)
        }
        switch beginning {
        case .join: break
        case .done(let result): continuation.resume(returning: result)
        case .start(let aio):
            start(operation, slices, timeout, aio)
            // nng 1.5.2 lets an operation that was started on a closed stream wait for ever. While
            // `isStarting` holds, nothing is freed.
            if isClosed { endLate(aio) }
            let isBurialDue = state.withLock { state in
                state.lanes[lane].isStarting = false
                return state.claimBurial()
            }
            if isBurialDue { Self.reaper.async { self.bury() } }
        }
        // Cancelled before there was a waiter to abandon.
        if operation == .accept, Task.isCancelled { abandon(operation) }
    }

    /// Ends an operation that was started on an object that is being closed, or is closed.
    ///
    /// Under TLS nng does not cancel what waits for nothing; closing once more ends it.
    private func endLate(_ aio: UInt) {
        unsafe nng_aio_cancel(OpaquePointer(bitPattern: aio))
        if kind == .stream { unsafe nng_stream_close(OpaquePointer(bitPattern: address)) }
    }

    private func start(
        _ operation: Operation, _ slices: [BufferSlice], _ timeout: Duration?, _ aioAddress: UInt
    ) {
        let aio = unsafe OpaquePointer(bitPattern: aioAddress)
        let object = unsafe OpaquePointer(bitPattern: address)
        unsafe nng_aio_set_timeout(aio, nngDuration(timeout))
        if !slices.isEmpty {
            precondition(slices.count <= streamSliceCountMax, "an aio takes 8 runs of memory")
            let vectors = unsafe slices.map { slice in
                let start = unsafe slice.buffer.withUnsafeMutableBytes { bytes in
                    unsafe bytes.baseAddress.map { unsafe $0 + slice.byteOffset }
                }
                return unsafe nng_iov(iov_buf: start, iov_len: slice.byteCount)
            }
            let code = unsafe nng_aio_set_iov(aio, UInt32(vectors.count), vectors)
            precondition(code == 0, "8 runs of memory fit an aio")
        }
        switch operation {
        case .read: unsafe nng_stream_recv(object, aio)
        case .write: unsafe nng_stream_send(object, aio)
        case .dial: unsafe nng_stream_dialer_dial(object, aio)
        case .accept: unsafe nng_stream_listener_accept(object, aio)
        }
    }

    /// Called on a thread of nng: takes the result and lets the waiter go on elsewhere.
    fileprivate func didFinish(_ lane: Int) {
        let address = state.withLock { $0.lanes[lane].aio }
        let aio = unsafe OpaquePointer(bitPattern: address)
        var result = NNGResult(code: UInt32(bitPattern: unsafe nng_aio_result(aio)))
        result.count = unsafe Int(nng_aio_count(aio))
        if result.code == 0, kind != .stream {
            result.output = unsafe UInt(bitPattern: nng_aio_get_output(aio, 0))
        }
        let (waiter, _, isBurialDue) = state.withLock { state in
            let waiter = state.lanes[lane].waiter
            let held = state.lanes[lane].held
            state.lanes[lane].waiter = nil
            state.lanes[lane].held = []
            state.lanes[lane].isPending = false
            if waiter == nil { state.lanes[lane].unclaimed = result }
            return (waiter, held, state.claimBurial())
        }
        if isBurialDue { Self.reaper.async { self.bury() } }
        waiter?.resume(returning: result)
    }
}

// MARK: - The end, on the reaper's queue

extension NNGHandle {
    private func shut() {
        let object = unsafe OpaquePointer(bitPattern: address)
        switch kind {
        case .stream: unsafe nng_stream_close(object)
        case .dialer: unsafe nng_stream_dialer_close(object)
        case .listener: unsafe nng_stream_listener_close(object)
        }
        let isBurialDue = state.withLock { state in
            state.isShut = true
            return state.claimBurial()
        }
        if isBurialDue { bury() }
    }

    private func bury() {
        let lanes = state.withLock { state in
            defer { state.lanes = [] }
            return state.lanes
        }
        for lane in lanes { unsafe nng_aio_stop(OpaquePointer(bitPattern: lane.aio)) }
        for lane in lanes {
            // A peer that was accepted when nobody waited any more.
            guard let result = lane.unclaimed, result.output != 0 else { continue }
            let stream = unsafe OpaquePointer(bitPattern: result.output)
            unsafe nng_stream_close(stream)
            unsafe nng_stream_free(stream)
        }
        let object = unsafe OpaquePointer(bitPattern: address)
        switch kind {
        case .stream: unsafe nng_stream_free(object)
        case .dialer: unsafe nng_stream_dialer_free(object)
        case .listener: unsafe nng_stream_listener_free(object)
        }
        for lane in lanes { unsafe nng_aio_free(OpaquePointer(bitPattern: lane.aio)) }
        parent?.close()
    }
}

/// The argument of nng's callbacks: which lane of which handle.
///
/// The handle's state keeps it, and
/// it the handle, until the aio is freed.
private final class NNGCallback: Sendable {
    let handle: NNGHandle
    let lane: Int

    init(handle: NNGHandle, lane: Int) {
        self.handle = handle
        self.lane = lane
    }
}

private func nngDidFinish(_ argument: UnsafeMutableRawPointer?) {
    guard let argument = unsafe argument else { return }
    let callback = unsafe Unmanaged<NNGCallback>.fromOpaque(argument).takeUnretainedValue()
    callback.handle.didFinish(callback.lane)
}

/// nng's own sentence for a code.
func nngMessage(_ code: UInt32) -> String {
    guard let text = unsafe nng_strerror(Int32(bitPattern: code)) else { return "error \(code)" }
    return unsafe String(cString: text).lowercased()
}

/// Milliseconds as nng counts them: at least 1, and -1 for no limit.
private func nngDuration(_ limit: Duration?) -> nng_duration {
    guard let limit else { return -1 }
    let (seconds, attoseconds) = limit.components
    guard seconds < Int64(Int32.max) / 1000 else { return Int32.max }
    let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return nng_duration(max(1, min(milliseconds, Int64(Int32.max))))
}
