import Foundation

/// A run file on its way from text to checked values.
///
/// Sections are read by whoever owns them; a wrong value is recorded and reading goes on with a
/// placeholder, so that `finish()` can report every mistake at once. Nothing decoded may be used
/// before `finish()` has returned.
public final class RunDocument {
    /// The section that is the whole file.
    public let root: Section
    /// The file's name as the user gave it.
    public let file: String
    private let ledger: MistakeLedger

    /// A document of this text.
    ///
    /// - Parameters:
    ///   - text: YAML, at most 256 KiB, without aliases and tags.
    ///   - file: the name for messages.
    ///   - settings: keys that are to have other values than in the text, the last one wins.
    /// - Throws: `RunFileError.mistakes` if the text is no YAML or goes past a bound, or a setting
    ///   cannot be made.
    public init(
        text: String, file: String = "run.yaml", setting settings: [KeySetting] = []
    ) throws(RunFileError) {
        guard text.utf8.count <= YAMLLimits.bytesMax else {
            throw .unreadable(
                file: file, reason: "larger than \(YAMLLimits.bytesMax) bytes, no run file")
        }
        var tree = try parseYAML(text, file: file)
        for setting in settings { try setting.apply(to: &tree, file: file) }
        let ledger = MistakeLedger(file: file)
        self.file = file
        self.ledger = ledger
        root = Section(path: "", item: tree, ledger: ledger)
    }

    /// A document of the file at `path`.
    ///
    /// - Throws: `RunFileError.unreadable` if it cannot be opened, is no UTF-8 text or larger than
    ///   256 KiB; `RunFileError.mistakes` as for text.
    public convenience init(
        contentsOf path: String, setting settings: [KeySetting] = []
    ) throws(RunFileError) {
        try self.init(text: RunDocument.readText(path), file: path, setting: settings)
    }

    /// Reports every mistake, or gives the resolved run file.
    ///
    /// Keys that nobody has read are mistakes, so every owner must have decoded its section.
    @discardableResult
    public func finish() throws(RunFileError) -> ResolvedRunFile {
        root.recordUnknownKeys()
        let mistakes = ledger.sorted()
        guard mistakes.isEmpty else { throw .mistakes(mistakes) }
        return ResolvedRunFile(root: root)
    }

    private static func readText(_ path: String) throws(RunFileError) -> String {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            bytes = try handle.read(upToCount: YAMLLimits.bytesMax + 1) ?? Data()
            try handle.close()
        } catch {
            throw .unreadable(file: path, reason: "cannot be read: \(reason(of: error))")
        }
        guard bytes.count <= YAMLLimits.bytesMax else {
            throw .unreadable(
                file: path, reason: "larger than \(YAMLLimits.bytesMax) bytes, no run file")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .unreadable(file: path, reason: "is not UTF-8 text")
        }
        return text
    }

    /// The system's own words where there are any; Foundation's are long and vague.
    private static func reason(of error: any Error) -> String {
        let error = error as NSError
        let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
        if underlying.domain == NSPOSIXErrorDomain {
            switch Int32(underlying.code) {
            case ENOENT: return "no such file"
            case EACCES: return "permission denied"
            case EISDIR: return "is a folder"
            default: return underlying.localizedDescription
            }
        }
        switch error.code {
        case CocoaError.fileReadNoSuchFile.rawValue: return "no such file"
        case CocoaError.fileReadNoPermission.rawValue: return "permission denied"
        default: return error.localizedDescription
        }
    }
}
