import CWideKernels

/// Registers of sixteen floats, AVX-512's.
///
/// Loops in them are written in C (`CWideKernels`), beside those of eight lanes, and give the same
/// bits: which of both run is a matter of speed.
enum WideRegisters {
    /// Whether the processor has them.
    static let areThere = wide_registers_are_there() != 0

    /// Whether it has, and its caches are Intel's.
    static let haveIntelCaches = areThere && wide_registers_are_intel() != 0
}
