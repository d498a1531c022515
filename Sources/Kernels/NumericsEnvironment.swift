import Foundation

/// Why this machine or process would compute other bits than the run's.
public enum NumericsError: Error, Equatable, CustomStringConvertible {
    /// The processor lacks instructions that the kernels are compiled to.
    case missingInstructions(String)
    /// OpenBLAS chose kernels for another core.
    case wrongCore(found: String, wanted: [String])
    /// OpenBLAS computes on several threads.
    case wrongThreadCount(Int)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .missingInstructions(let name):
            "this processor has no \(name): run on one with AVX2 and FMA, which the kernels need"
        case .wrongCore(let found, let wanted):
            """
            OpenBLAS uses its kernels for \(found), whose sums have other bits than those for \
            \(wanted.joined(separator: " and ")): set OPENBLAS_CORETYPE=\(wanted[0]) before start
            """
        case .wrongThreadCount(let count):
            """
            OpenBLAS uses \(count) threads, which changes the bits of sums: set \
            OPENBLAS_NUM_THREADS=1 before start
            """
        }
    }
}

/// What must hold in a process for its results to have the bits that every other one gets.
public enum NumericsEnvironment {
    /// The cores whose kernels give the required bits on x86-64 (measured equal), the best first.
    public static let requiredCores = ["Haswell", "Zen"]
    /// The number of BLAS threads in a slot.
    public static let requiredThreadCount = 1

    /// The core whose kernels OpenBLAS uses here.
    public static var coreName: String { blasCoreName() }
    /// The number of threads OpenBLAS uses here.
    public static var threadCount: Int { blasThreadCount() }

    /// Checks processor, core name and thread count.
    ///
    /// On processors other than x86-64 only the thread count is required; the canary of the
    /// fingerprint then keeps machines with other bits out.
    public static func check() throws(NumericsError) {
        #if arch(x86_64)
            try check(processorFlags: processorFlags())
            try check(core: coreName)
        #endif
        guard threadCount == requiredThreadCount else { throw .wrongThreadCount(threadCount) }
    }

    /// Checks a processor's features, as Linux lists them; `nil` if they are not known.
    static func check(processorFlags: String?) throws(NumericsError) {
        guard let processorFlags else { return }
        let flags = processorFlags.split(separator: " ")
        for name in ["avx2", "fma"] where !flags.contains(Substring(name)) {
            throw .missingInstructions(name.uppercased())
        }
    }

    /// Checks the name of a core.
    static func check(core: String) throws(NumericsError) {
        guard requiredCores.contains(where: { $0.lowercased() == core.lowercased() }) else {
            throw .wrongCore(found: core, wanted: requiredCores)
        }
    }

    private static func processorFlags() -> String? {
        // Without the file nothing is known; a processor that lacks an instruction then stops
        // at its first use.
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else {
            return nil
        }
        return text.split(separator: "\n").first { $0.hasPrefix("flags") }.map(String.init)
    }
}
