import Foundation

/// The lines that another process appends to a file, as they come.
///
/// A file that has become shorter (its writer cut it) goes on from its new end.
struct FileTail {
    private let path: String
    private var handle: FileHandle?
    private var offset: UInt64 = 0
    private var rest = Data()

    init(path: String) { self.path = path }

    /// The whole lines since the last call, without their ends; none while there is no file.
    mutating func newLines() -> [String] {
        if handle == nil { handle = FileHandle(forReadingAtPath: path) }
        guard let handle, let end = try? handle.seekToEnd() else { return [] }
        if end < offset {
            offset = end
            rest = Data()
        }
        guard end > offset else { return [] }
        do {
            try handle.seek(toOffset: offset)
            guard let data = try handle.read(upToCount: Int(end - offset)) else { return [] }
            offset += UInt64(data.count)
            rest += data
        } catch {
            return []  // the next call tries again
        }
        var lines: [String] = []
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: rest[..<newline], as: UTF8.self))
            rest = Data(rest[(newline + 1)...])
        }
        return lines
    }
}
