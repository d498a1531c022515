/// The run on the small data, ended in its middle: what tests of state directories start from.
enum HalfRun {
    /// Steps that are made.
    static let steps = 150

    private static let made = Task {
        let scratch = try ScratchDirectory()
        let data = try SmallData.write(to: scratch)
        let file = try scratch.write("run.yaml", SmallRun.text(data: data))
        let ended = try await pleiad(
            "train", file, "--workers", "2", "--state", scratch.appending("state"), "--steps",
            "\(steps)")
        guard ended.code == 0 else { throw ProgramFailure(description: ended.errors) }
        return scratch
    }

    /// Its state directory, for commands that only read it.
    static func state() async throws -> String { try await made.value.appending("state") }

    /// A copy of its state directory below `scratch`, and its run file.
    static func copy(to scratch: ScratchDirectory) async throws -> (state: String, file: String) {
        let original = try await made.value
        return (
            try scratch.copy(original.appending("state"), as: "state"),
            original.appending("run.yaml")
        )
    }
}
