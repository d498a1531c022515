import CFuzzer
import Foundation
import Fuzzing
import Synchronization

/// What this process has seen.
enum Counts {
    /// Inputs that were read.
    static let read = Atomic<Int>(0)
    /// Inputs that were refused.
    static let refused = Atomic<Int>(0)
    /// The most bytes that reading an input held at once.
    static let mostHeld = Atomic<Int>(0)

    /// All of it, in a line.
    static var text: String {
        let (read, refused) = (read.load(ordering: .relaxed), refused.load(ordering: .relaxed))
        return "fuzz: \(read) inputs were read, \(refused) refused; at most "
            + "\(mostHeld.load(ordering: .relaxed)) bytes were held at once"
    }
}

/// Runs the target over one input.
///
/// A broken promise ends the process, and libFuzzer keeps the input.
func runOne(_ input: [UInt8]) {
    guard let target = Command.target else { return }
    do throws(BrokenPromise) {
        let isRead = try target.run(input) { body in
            pleiad_count_begin()
            body()
            let held = pleiad_count_end()
            Counts.mostHeld.max(held, ordering: .relaxed)
            return held
        }
        if isRead {
            Counts.read.add(1, ordering: .relaxed)
        } else {
            Counts.refused.add(1, ordering: .relaxed)
        }
    } catch {
        complain("fuzz: a promise is broken: \(error)")
        abort()
    }
}
