import Storage

/// What stands behind the last dot of a path, in small letters; nothing without one.
func fileEnding(of path: String) -> String {
    path.lastIndex(of: ".").map { path[path.index(after: $0)...].lowercased() } ?? ""
}

/// Whether there is a folder for a file: said before what takes long.
///
/// - Throws: `BadInput` if there is none.
func checkFolder(of path: String) throws {
    guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
    let folder = String(path[..<slash])
    guard LocalFileSystem().exists(folder) else {
        throw BadInput(description: "\(path): there is no folder \(folder). Make it first.")
    }
}
