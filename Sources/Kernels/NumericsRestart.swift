internal import Foundation

/// The environment that OpenBLAS must find when it loads, which is before `main`.
private let required = [
    ("OPENBLAS_CORETYPE", "Haswell"),
    ("OPENBLAS_NUM_THREADS", "1"),
]

/// Starts the program over with the same arguments if OpenBLAS was loaded with settings other
/// than those that all processes of a run must share (design: same bits).
///
/// OpenBLAS reads its kernel family and thread count from the environment, once, at load; some
/// hosts set them for everybody. Returns if nothing had to change, or if this processor is no
/// x86-64. To be called first thing in `main`.
public func restartWithNumericsEnvironment() {
    #if arch(x86_64)
        let environment = ProcessInfo.processInfo.environment
        guard required.contains(where: { environment[$0.0] != $0.1 }) else { return }
        for (name, value) in required { unsafe setenv(name, value, 1) }
        var arguments = unsafe CommandLine.arguments.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        unsafe execv("/proc/self/exe", arguments)
        // Only a failed exec comes back; the check at first use then names what is wrong.
        unsafe arguments.forEach { unsafe free($0) }
    #endif
}
