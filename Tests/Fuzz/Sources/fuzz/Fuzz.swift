import CFuzzer
import Foundation
import Fuzzing

// The main of this program is libFuzzer's, which calls what has these names.

/// What the first argument says: `fuzz targets`, `fuzz seeds TARGET FOLDER`, or `fuzz TARGET` with
/// libFuzzer's own arguments.
enum Command {
    /// The target of this process.
    static let target = FuzzTarget.all.first { $0.name == CommandLine.arguments.dropFirst().first }

    static func begin() throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "targets":
            for target in FuzzTarget.all { print(target.name) }
            exit(0)
        case "seeds" where arguments.count == 3:
            try writeSeeds(of: CommandLine.arguments[2], to: CommandLine.arguments[3])
            exit(0)
        default:
            guard target == nil else { return }
            complain("fuzz: the first argument is a target (fuzz targets), or 'seeds'")
            exit(2)
        }
    }

    private static func writeSeeds(of name: String, to folder: String) throws {
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            complain("fuzz: there is no target '\(name)'")
            exit(2)
        }
        for (number, seed) in try target.seeds().enumerated() {
            try Data(seed).write(to: URL(fileURLWithPath: "\(folder)/seed-\(number)"))
        }
    }
}

/// Reads the command and takes it off libFuzzer's arguments.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    do {
        try Command.begin()
    } catch {
        complain("fuzz: \(error)")
        exit(1)
    }
    atexit { complain(Counts.text) }
    unsafe count.pointee -= 1
    for place in unsafe 1..<Int(count.pointee) {
        unsafe arguments.pointee[place] = arguments.pointee[place + 1]
    }
    return 0
}

/// Runs one input.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    runOne(unsafe [UInt8](UnsafeBufferPointer(start: data, count: size)))
    return 0
}

/// Changes an input: as libFuzzer does, or a word of a text.
///
/// Three times out of four its checksums are made right: otherwise nothing behind a checksum would
/// ever be reached.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ sizeMax: Int, _ seed: UInt32
) -> Int {
    guard let target = Command.target else { return size }
    let changesWord = target.isText && seed % 3 == 0
    let count = changesWord ? size : unsafe LLVMFuzzerMutate(data, size, sizeMax)
    var bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: count))
    if changesWord { bytes = withOtherWord(bytes, drawn: UInt64(seed)) }
    if seed >> 8 & 3 != 0 { bytes = target.sealed(bytes) }
    guard bytes.count <= sizeMax else { return count }
    for (place, byte) in bytes.enumerated() { unsafe data[place] = byte }
    return bytes.count
}

/// Writes a line to standard error, where libFuzzer writes.
func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
