import Buffers
import CNNG
import Dispatch
import Synchronization
import Wire

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

    struct Lane {
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

    struct State {
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
    static let reaper = DispatchQueue(label: "pleiad.nng.reaper")

    let kind: Kind
    let address: UInt
    /// The dialer that made this stream: it is closed after the stream is freed.
    private let parent: NNGHandle?
    let state = Mutex(State())

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

    func bury() {
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
        if kind == .stream { NNGMemory.connectionEnded(on: Self.reaper) }
    }
}
