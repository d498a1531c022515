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

/// The argument of nng's callbacks: which lane of which handle.
///
/// The handle's state keeps it, and it the handle, until the aio is freed.
final class NNGCallback: Sendable {
    let handle: NNGHandle
    let lane: Int

    init(handle: NNGHandle, lane: Int) {
        self.handle = handle
        self.lane = lane
    }
}

/// What nng calls, on a thread of its own, when an operation has ended.
func nngDidFinish(_ argument: UnsafeMutableRawPointer?) {
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
