import Glibc

/// A piece of memory, aligned to 64 bytes, that its holder frees exactly once.
///
/// Proof of `Sendable`: it is an address and a size; who may touch the bytes is decided by the
/// `AlignedBuffer` that holds it, and it has one holder at a time.
@safe struct MemoryBlock: @unchecked Sendable {
    /// From this size on memory is mapped: it arrives zeroed, and goes back to the system.
    static let mappedFrom = 1 << 20
    /// From this size on the system is asked for huge pages, which spare the page tables of
    /// tables with a million rows.
    static let hugeFrom = 8 << 20
    static let alignment = 64

    let base: UnsafeMutableRawPointer
    let capacity: Int
    let isMapped: Bool

    init(capacity wanted: Int) {
        precondition(wanted >= 0, "a buffer of \(wanted) bytes")
        let alignment = Self.alignment
        capacity = max(alignment, (wanted + alignment - 1) / alignment * alignment)
        isMapped = capacity >= Self.mappedFrom
        guard isMapped else {
            unsafe base = UnsafeMutableRawPointer.allocate(
                byteCount: capacity, alignment: alignment)
            return
        }
        let protection = PROT_READ | PROT_WRITE
        let address = unsafe mmap(
            nil, capacity, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            preconditionFailure("out of memory: \(capacity) bytes could not be mapped")
        }
        unsafe base = address
        if capacity >= Self.hugeFrom {
            // Advice only: without huge pages the memory is the same, a little slower.
            _ = unsafe madvise(address, capacity, MADV_HUGEPAGE)
        }
    }

    /// The bytes of an open file, read when they are touched; nil, and `errno`, if that cannot be.
    ///
    /// The mapping is private: what is written there never reaches the file.
    init?(mapping descriptor: Int32, byteCount: Int) {
        let protection = PROT_READ | PROT_WRITE
        let address = unsafe mmap(
            nil, byteCount, protection, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { return nil }
        unsafe base = address
        capacity = byteCount
        isMapped = true
    }

    /// Zeroes the first bytes of memory that is not fresh from a mapping.
    func clear(_ byteCount: Int) {
        if !isMapped { clearAgain(byteCount) }
    }

    /// Zeroes the first bytes, whatever they held before.
    func clearAgain(_ byteCount: Int) {
        _ = unsafe memset(base, 0, byteCount)
    }

    func free() {
        if isMapped {
            unsafe munmap(base, capacity)
        } else {
            unsafe base.deallocate()
        }
    }
}
