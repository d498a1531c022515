import Foundation
import Methods
import RunFiles
import Storage

/// What a state directory alone tells about a run: for when no coordinator answers.
public struct DirectoryOutlook: Sendable {
    /// What the event says with which a coordinator begins to listen; its address follows.
    static let listening = "listens at "

    /// The directory.
    public let directory: String
    /// The run's name, and the steps that it is to make.
    public let run: (name: String, steps: Int)
    /// Host and process of the coordinator that holds the directory, or held it last.
    public let holder: String?
    /// Whether it lives.
    public let isHeld: Bool
    /// Where it listens, or listened last.
    public let url: String?
    /// Whether the last start ended in order; nil while one runs.
    public let endedInOrder: Bool?
    /// Steps in the ledger.
    public let recorded: Int
    /// Steps in the newest checkpoint, unverified; nil without one.
    public let checkpoint: Int?
    /// The last event, and how long ago it was.
    public let lastEvent: (text: String, secondsAgo: Double)?

    /// Reads a state directory; takes no lock.
    ///
    /// - Throws: `DaemonError.noRun` if it is none, `StorageError` if it is damaged.
    public init(directory: String) throws {
        self.directory = directory
        let plan = try StoredRun(directory: directory).plan
        run = (plan.settings.name, plan.settings.steps)
        let lock = try RunLock.holder(path: directory + "/lock")
        (holder, isHeld) = (lock?.text, lock?.isHeld ?? false)
        let epoch = try EpochFile.read(directory + "/epoch")
        endedInOrder = isHeld ? nil : epoch?.ended != nil
        recorded =
            LocalFileSystem().exists(directory + "/ledger")
            ? try AppendOnlyLog.read(directory + "/ledger") { _, _ in } : 0
        checkpoint = try CheckpointStore(
            directory: directory + "/checkpoints", makesDirectory: false
        ).steps().last
        var (url, last): (String?, (text: String, time: String)?) = (nil, nil)
        if LocalFileSystem().exists(directory + "/events.jsonl") {
            _ = try AppendOnlyLog.read(directory + "/events.jsonl") { _, value in
                let text = value["text"]?.string ?? ""
                last = (text, value["time"]?.string ?? "")
                if text.hasPrefix(Self.listening) {
                    url = String(text.dropFirst(Self.listening.count))
                }
            }
        }
        self.url = url
        lastEvent = last.flatMap { last in
            ISO8601DateFormatter().date(from: last.time).map { time in
                (last.text, max(0, Date.now.timeIntervalSince(time)))
            }
        }
    }

    /// Whether every step is made and the state is saved.
    public var isDone: Bool { recorded >= run.steps && checkpoint == recorded }

    /// What the run waits for, as far as files tell; nil if it is done.
    public var wait: StatusDocument.Wait? {
        let since = lastEvent?.secondsAgo ?? 0
        if isHeld {
            let state = holderState
            return StatusDocument.Wait(
                kind: "coordinator",
                what: "an answer of the coordinator (\(holder ?? "")) at \(url ?? "its address")"
                    + (state == .stopped ? ", which is stopped" : ""),
                who: "coordinator", sinceSeconds: since,
                next: state == .stopped
                    ? "nothing by itself: kill -CONT lets it go on; its pause counts for no term"
                    : "it lives and holds the directory: look at its log and at the network")
        }
        guard !isDone else { return nil }
        let how = endedInOrder == true ? "ended in order" : "died"
        let again = recorded - (checkpoint ?? 0)
        return StatusDocument.Wait(
            kind: "coordinator",
            what: "a coordinator: the last one (\(holder ?? "unknown")) \(how) after "
                + "\(recorded) of \(run.steps) steps",
            who: "operator", sinceSeconds: since,
            next: "started again on \(directory) it goes on from the checkpoint of "
                + "\(checkpoint ?? 0) steps and makes \(again) recorded ones again; workers that "
                + "still run join by themselves")
    }

    /// What the process of the lock's text does.
    private enum HolderState { case running, stopped, unknown }

    /// Seen in `/proc` if the holder is on this host.
    private var holderState: HolderState {
        guard let holder, let process = holder.split(separator: " ").last.flatMap({ Int32($0) }),
            holder.hasPrefix("host \(ProcessInfo.processInfo.hostName),"),
            let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        else { return .unknown }  // elsewhere, or gone since
        // The state is the first word behind the command, which stands in parentheses.
        let state = text.split(separator: ")").last?.split(separator: " ").first
        return state == "T" ? .stopped : .running
    }
}
