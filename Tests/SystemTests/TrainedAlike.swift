import Testing

/// Trains a run file with one worker and with three, each in a state directory of its own; expects
/// the same bits of both, and that both can be verified.
///
/// - Returns: the state directory of one worker.
func trainedAlike(_ runFile: String, in scratch: ScratchDirectory) async throws -> String {
    var digests: [String] = []
    for workers in ["1", "3"] {
        let state = scratch.appending("state-\(workers)")
        let ended = try await pleiad("train", runFile, "--workers", workers, "--state", state)
        #expect(ended.code == 0, "\(ended.errors)")
        digests.append(try await pleiad("digest", state).output)
        #expect(try await pleiad("verify", state).code == 0)
    }
    #expect(digests[0] == digests[1] && !digests[0].isEmpty)
    return scratch.appending("state-1")
}
