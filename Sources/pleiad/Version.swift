/// The program's version.
enum Version {
    /// As `pleiad --version` prints it.
    static let text = "0.1.0"
}
