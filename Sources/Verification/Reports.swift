import Identity
public import Storage

/// What `pleiad verify` found out about a state directory.
public struct DirectoryReport: Sendable {
    /// The directory.
    public let directory: String
    /// Every file that was looked at.
    public let files: [CheckedFile]
    /// What is damaged.
    public let problems: [Finding]
    /// What an operator may want to know and need not mend.
    public let notes: [Finding]
    /// What the ledger holds; nil if the schedule is not known.
    public let ledger: LedgerReport?

    /// Whether nothing is damaged.
    public var isSound: Bool { problems.isEmpty }

    /// Looks through a state directory, changing nothing.
    ///
    /// - Parameters:
    ///   - directory: the state directory; a coordinator may be running on it.
    ///   - computes: whether this machine computes a run's first version to the same bits.
    /// - Throws: `StorageError` if the directory cannot be listed.
    public init(
        verifying directory: String, computes: Bool,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        var audit = DirectoryAudit(
            StateFiles(directory: directory, fileSystem: fileSystem), computes: computes,
            isWhole: true)
        try audit.run()
        self.init(directory, audit)
    }

    /// Looks at what the proof of a ledger needs: run file, number of samples, ledger, and the
    /// manifests and models of checkpoints.
    ///
    /// - Parameters and errors as for the whole directory.
    public init(
        provingLedgerOf directory: String, computes: Bool,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        var audit = DirectoryAudit(
            StateFiles(directory: directory, fileSystem: fileSystem), computes: computes,
            isWhole: false)
        try audit.run()
        self.init(directory, audit)
    }

    private init(_ directory: String, _ audit: DirectoryAudit) {
        self.directory = directory
        (files, problems) = (audit.findings.files, audit.findings.problems)
        notes = audit.findings.notes
        ledger = audit.ledger
    }

    /// The report as one JSON object.
    public var json: JSONValue {
        [
            "directory": .string(directory),
            "sound": .bool(isSound),
            "problems": .array(problems.map(\.json)),
            "notes": .array(notes.map(\.json)),
            "ledger": ledger?.json ?? .null,
            "files": .array(
                files.map { file in
                    [
                        "file": .string(file.name), "bytes": .integer(Int64(file.byteCount)),
                        "sound": .bool(file.isSound),
                    ]
                }),
        ]
    }
}

extension Finding {
    var json: JSONValue {
        [
            "file": .string(file), "line": line.map { .integer(Int64($0)) } ?? .null,
            "reason": .string(reason),
        ]
    }
}

extension LedgerReport {
    var json: JSONValue {
        [
            "steps": .integer(Int64(steps)),
            "steps_of_run": .integer(Int64(stepsOfRun)),
            "steps_per_data_epoch": .integer(Int64(stepsPerEpoch)),
            "whole_data_epochs": .integer(Int64(dataEpochs)),
            "samples": .integer(Int64(samples)),
            "slices": .integer(Int64(slices)),
            "leases": .integer(Int64(leases)),
            "workers": .array(
                workers.map { share in
                    ["name": .string(share.worker), "slices": .integer(Int64(share.slices))]
                }),
            "first_version": firstVersion.map { .string($0.hex) } ?? .null,
            "last_version": versions.last.map { .string($0.hex) } ?? .null,
            "checkpoints": .array(checkpoints.map { .integer(Int64($0)) }),
            "torn_bytes": .integer(Int64(tornByteCount)),
        ]
    }
}
