import Foundation

/// What `pleiad status --json` printed.
struct StatusView {
    /// The document.
    let document: [String: Any]
    /// As it was printed.
    let text: String

    /// Asks a coordinator.
    init(of url: String) async throws {
        let ended = try await pleiad("status", url, "--json", within: 20)
        guard ended.code == 0 else { throw ProgramFailure(description: ended.errors) }
        document = try ended.object()
        text = ended.output
    }

    var state: String { document["state"] as? String ?? "" }
    var step: Int { document["step"] as? Int ?? -1 }

    /// A worker's entry.
    func worker(_ name: String) -> [String: Any]? {
        (document["workers"] as? [[String: Any]])?.first { $0["name"] as? String == name }
    }

    /// A worker's state.
    func state(of name: String) -> String { worker(name)?["state"] as? String ?? "" }

    /// The counter of a worker's incarnation `epoch.counter`.
    func incarnation(of name: String) -> Int {
        let text = worker(name)?["incarnation"] as? String ?? ""
        return text.split(separator: ".").last.flatMap { Int($0) } ?? 0
    }

    /// The slices of the open step that wait for a worker.
    func slices(heldBy name: String) -> [Int] {
        let waits = document["waiting"] as? [[String: Any]] ?? []
        return waits.compactMap { wait in
            let words = (wait["what"] as? String ?? "").split(separator: " ")
            guard wait["who"] as? String == "worker \(name)", words.count >= 5,
                words[0] == "slice", words[4].prefix(while: \.isNumber) == "\(step)"
            else { return nil }
            return Int(words[1])
        }.sorted()
    }
}
