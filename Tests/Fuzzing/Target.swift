/// Something that reads bytes from outside, with what must hold whatever the bytes are.
///
/// libFuzzer drives it (`deploy/fuzz`), and the tests do, over samples, kept cases and mutations of
/// both. Whatever a target is given it must neither trap nor hang, nor take more memory than
/// `bytesMax` allows, nor break a promise of `check`.
protocol Target: SendableMetatype {
    /// What reading gives.
    associatedtype Content

    /// How the target is named on the command line, and its corpus on disk.
    static var name: String { get }

    /// Whether inputs hold text, whose words can be exchanged.
    static var isText: Bool { get }

    /// Inputs that are read, to begin with.
    static func seeds() throws -> [[UInt8]]

    /// Reads an input as the program does; nil if it is refused.
    static func read(_ input: [UInt8]) -> Content?

    /// Checks what must hold of an input that was read.
    static func check(_ content: Content, of input: [UInt8]) throws(BrokenPromise)

    /// The most memory that reading may hold at once, in bytes: what the input declares, where that
    /// is permitted, and a multiple of the input itself.
    static func bytesMax(_ input: [UInt8]) -> Int

    /// The input with its checksums made right, so that what lies behind them is reached.
    ///
    /// An input that is too far from the format is given back as it is.
    static func sealed(_ input: [UInt8]) -> [UInt8]
}

extension Target {
    /// Reads and checks an input.
    ///
    /// - Parameter metered: runs the reading and gives the most bytes that it held at once.
    /// - Returns: whether the input was read.
    static func run(
        _ input: [UInt8], metered: (() -> Void) -> Int = unmetered
    ) throws(BrokenPromise) -> Bool {
        var content: Content?
        let held = metered { content = read(input) }
        try promise(
            held <= bytesMax(input),
            "\(held) bytes were held, at most \(bytesMax(input)) are allowed")
        guard let content else { return false }
        try check(content, of: input)
        return true
    }

    static var isText: Bool { true }

    static func sealed(_ input: [UInt8]) -> [UInt8] { input }
}

/// Runs `body` where nobody counts what it holds.
func unmetered(_ body: () -> Void) -> Int {
    body()
    return 0
}

/// What reading small inputs may hold, whatever they are: the reader's own things.
let bytesAlways = 256 << 10

/// Something that must hold of an input that was read, and did not.
public struct BrokenPromise: Error, CustomStringConvertible {
    /// What was found.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Throws `text` unless the promise holds.
func promise(
    _ holds: Bool, _ text: @autoclosure () -> String
) throws(BrokenPromise) {
    guard holds else { throw BrokenPromise(text()) }
}

/// What `body` gives, which must not throw.
func promised<Value>(
    _ what: String, _ body: () throws -> Value
) throws(BrokenPromise) -> Value {
    do {
        return try body()
    } catch {
        throw BrokenPromise("\(what) failed: \(error)")
    }
}
