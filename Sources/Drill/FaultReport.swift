/// What a fault did, and how the run came out of it.
///
/// Seconds count from the fault unless another moment is named.
public struct FaultReport: Codable, Hashable, Sendable {
    /// Its number, from 1.
    public var number: Int
    /// What was done.
    public var kind: FaultKind
    /// To whom: `w1`, ..., or `coordinator`.
    public var target: String
    /// The target's process id.
    public var processID: Int
    /// When, in seconds since the run began.
    public var at: Double
    /// Committed steps at that moment.
    public var step: Int
    /// Whether another worker was there to go on with.
    public var hadOthers: Bool
    /// Until the coordinator took the worker for lost.
    public var foundSeconds: Double?
    /// What `pleiad why` said of it while it lasted, for every cause that there was.
    public var why: [NamedCause] = []
    /// Until the next step was committed, or, after the last one, the run was over.
    public var recoveredSeconds: Double?
    /// Until all was as before: the worker, or after the coordinator's death all of them, take
    /// leases again.
    ///
    /// Null if the run was over before that.
    public var healedSeconds: Double?
    /// Until the dead process was started again.
    public var restartedSeconds: Double?
    /// From the coordinator's start to the first step that it made, new or again.
    public var firstStepSeconds: Double?
    /// From the coordinator's start to the first step that was new.
    public var newStepSeconds: Double?
    /// Steps that were made again.
    public var stepsMadeAgain: Int?
    /// Whether no other worker lost its process or, unless the coordinator died, its incarnation.
    public var othersUndisturbed: Bool
    /// What was not as promised, if anything.
    public var problems: [String]
    /// What the time is measured against: the next step for a dead worker or a cut, being found
    /// for a silent one, the first step for the coordinator.
    ///
    /// Null where there is no target.
    public var targetSeconds: Double?
    /// Whether it was met.
    public var isWithinTarget: Bool?

    /// The time that the target is about.
    public var measuredSeconds: Double? {
        switch kind {
        case .killWorker, .cutConnections: recoveredSeconds
        case .stopWorker, .stallConnections: foundSeconds
        case .killCoordinator: firstStepSeconds
        }
    }

    /// Sets the target, once the median step time without faults is known.
    mutating func judge(medianStepSeconds: Double) {
        let target: Double? =
            switch kind {
            case .killWorker, .cutConnections: hadOthers ? 1.5 * medianStepSeconds + 0.25 : nil
            case .stopWorker, .stallConnections: 3
            case .killCoordinator: 2
            }
        guard let target, let measuredSeconds else { return }
        targetSeconds = target
        isWithinTarget = measuredSeconds <= target
    }

    enum CodingKeys: String, CodingKey {
        case number, kind, target, step, problems, why
        case processID = "process_id"
        case at = "at_seconds"
        case hadOthers = "had_others"
        case foundSeconds = "found_seconds"
        case recoveredSeconds = "recovered_seconds"
        case healedSeconds = "healed_seconds"
        case restartedSeconds = "restarted_seconds"
        case firstStepSeconds = "first_step_seconds"
        case newStepSeconds = "new_step_seconds"
        case stepsMadeAgain = "steps_made_again"
        case othersUndisturbed = "others_undisturbed"
        case targetSeconds = "target_seconds"
        case isWithinTarget = "within_target"
    }

    /// Every key at all times: what does not apply is null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(number, forKey: .number)
        try keys.encode(kind, forKey: .kind)
        try keys.encode(target, forKey: .target)
        try keys.encode(processID, forKey: .processID)
        try keys.encode(at, forKey: .at)
        try keys.encode(step, forKey: .step)
        try keys.encode(hadOthers, forKey: .hadOthers)
        try keys.encode(foundSeconds, forKey: .foundSeconds)
        try keys.encode(why, forKey: .why)
        try keys.encode(recoveredSeconds, forKey: .recoveredSeconds)
        try keys.encode(healedSeconds, forKey: .healedSeconds)
        try keys.encode(restartedSeconds, forKey: .restartedSeconds)
        try keys.encode(firstStepSeconds, forKey: .firstStepSeconds)
        try keys.encode(newStepSeconds, forKey: .newStepSeconds)
        try keys.encode(stepsMadeAgain, forKey: .stepsMadeAgain)
        try keys.encode(othersUndisturbed, forKey: .othersUndisturbed)
        try keys.encode(problems, forKey: .problems)
        try keys.encode(targetSeconds, forKey: .targetSeconds)
        try keys.encode(isWithinTarget, forKey: .isWithinTarget)
    }
}
