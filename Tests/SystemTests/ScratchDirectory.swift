import Foundation

/// A directory that a test has for itself; removed at its end.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("pleiad-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }  // best effort

    /// A path below it.
    func appending(_ name: String) -> String { path + "/" + name }

    /// Writes a file below it and gives its path.
    func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    /// Writes a file of these bytes below it and gives its path.
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = appending(name)
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Copies a folder to a path below it and gives that path.
    func copy(_ folder: String, as name: String) throws -> String {
        try FileManager.default.copyItem(atPath: folder, toPath: appending(name))
        return appending(name)
    }
}

/// Reading and damaging small files.
enum SmallFiles {
    /// The bytes of a file.
    static func bytes(of path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// The text of a file.
    static func text(of path: String) throws -> String {
        String(decoding: try bytes(of: path), as: UTF8.self)
    }

    /// The files below a folder, as paths from there on, sorted.
    static func all(below folder: String) throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder)
        return try names.filter { name in
            let url = URL(fileURLWithPath: "\(folder)/\(name)")
            return try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true
        }.sorted()
    }

    /// Flips one bit of a file.
    static func flipBit(of path: String, at place: Int) throws {
        var content = try bytes(of: path)
        content[place] ^= 1
        try Data(content).write(to: URL(fileURLWithPath: path))
    }

    /// Appends to a file.
    static func append(_ bytes: [UInt8], to path: String) throws {
        try Data(try self.bytes(of: path) + bytes).write(to: URL(fileURLWithPath: path))
    }

    /// A JSON object, such as a line of a log.
    static func object(_ text: some StringProtocol) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        guard let object = object as? [String: Any] else {
            throw ProgramFailure(description: "no JSON object: \(text)")
        }
        return object
    }
}
