/// What may go wrong while faults happen (docs/reliability.md lists what each one does).
enum Fault: String, CaseIterable {
    // Workers.
    case workerCrash
    case workerStop
    case workerDrain
    case slotHang
    case slowWorker
    case sliceError
    case notANumber
    case wrongBits
    case wrongInput
    case wrongFingerprint
    case impostor
    case wrongVersion
    case wrongFirstInput
    case wrongProtocol

    // Links.
    case linkCut
    case linkSwallow
    case linkFlip
    case linkDelay
    case slowReader
    case linkStop
    case oneWayStop
    case swizzle

    // Messages.
    case repeatedRequest
    case oldFrame
    case uninvited
    case stranger
    case oldVersion

    // Coordinator and disk.
    case coordinatorKill
    case powerCut
    case powerCutAtOperation
    case coordinatorStop
    case operatorStop
    case ioError
    case diskFull
    case killInDoubt

    // Clocks.
    case clockDrift
    case clockJump

    /// Whether it came when seeds were known already by what had happened in them.
    var isNewer: Bool {
        switch self {
        case .wrongVersion, .wrongFirstInput, .wrongProtocol, .oldVersion, .killInDoubt,
            .clockDrift, .clockJump:
            true
        default: false
        }
    }

    /// In how many of 100 runs it can happen.
    var likelihood: Int {
        switch self {
        case .diskFull, .ioError, .operatorStop, .wrongFingerprint, .impostor, .wrongProtocol: 15
        case .sliceError, .notANumber, .wrongBits, .wrongInput, .wrongVersion, .oldVersion: 20
        case .coordinatorKill, .powerCut, .powerCutAtOperation, .coordinatorStop, .clockDrift,
            .clockJump:
            30
        // These matter only together with others.
        case .wrongFirstInput, .killInDoubt: 60
        default: 40
        }
    }
}
