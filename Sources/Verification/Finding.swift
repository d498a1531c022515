import Storage

/// Something that is not as it must be, or worth knowing: where, and what.
public struct Finding: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, from the state directory on.
    public var file: String
    /// The line of a log, counted from 1.
    public var line: Int?
    /// What it is, in words that go behind the file's name.
    public var reason: String

    init(_ file: String, line: Int? = nil, _ reason: String) {
        (self.file, self.line, self.reason) = (file, line, reason)
    }

    /// `file: reason`.
    public var description: String { "\(file): \(reason)" }
}

/// A file that was looked at.
public struct CheckedFile: Hashable, Sendable {
    /// The file, from the state directory on.
    public var name: String
    /// Its size.
    public var byteCount: Int
    /// Whether it is what was written.
    public var isSound: Bool
}

/// A state directory on its disk.
struct StateFiles {
    let directory: String
    let fileSystem: any FileSystem

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func exists(_ name: String) -> Bool { fileSystem.exists(path(name)) }

    func byteCount(_ name: String) throws(StorageError) -> Int {
        try fileSystem.open(path(name), .read).byteCount()
    }
}

/// What an audit gathers.
struct Findings {
    private(set) var problems: [Finding] = []
    private(set) var notes: [Finding] = []
    private(set) var files: [CheckedFile] = []

    /// Runs `body`, which looks at a file, and notes the file as looked at; an error becomes a
    /// problem of the file.
    mutating func check<Answer>(
        _ name: String, in state: StateFiles, _ body: (StateFiles) throws -> Answer
    ) -> Answer? {
        let size = (try? state.byteCount(name)) ?? 0  // for display; `body` says what is missing
        files.append(CheckedFile(name: name, byteCount: size, isSound: true))
        do {
            return try body(state)
        } catch let finding as Finding {
            add(finding)
        } catch let error as StorageError {
            add(Finding(name, error.reasonAlone))
        } catch {
            add(Finding(name, "\(error)"))
        }
        return nil
    }

    /// Adds a problem, also to the file that it is of.
    mutating func add(_ problem: Finding) {
        problems.append(problem)
        for index in files.indices where files[index].name == problem.file {
            files[index].isSound = false
        }
    }

    mutating func note(_ name: String, line: Int? = nil, _ reason: String) {
        notes.append(Finding(name, line: line, reason))
    }
}

extension StorageError {
    /// What is wrong, without the path.
    var reasonAlone: String {
        switch self {
        case .missing: "is missing"
        case .malformed(_, let reason), .damaged(_, let reason): reason
        default: "\(self)"
        }
    }
}
