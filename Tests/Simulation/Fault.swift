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

    // Coordinator and disk.
    case coordinatorKill
    case powerCut
    case powerCutAtOperation
    case coordinatorStop
    case operatorStop
    case ioError
    case diskFull

    /// In how many of 100 runs it can happen.
    var likelihood: Int {
        switch self {
        case .diskFull, .ioError, .operatorStop, .wrongFingerprint, .impostor: 15
        case .sliceError, .notANumber, .wrongBits, .wrongInput: 20
        case .coordinatorKill, .powerCut, .powerCutAtOperation, .coordinatorStop: 30
        default: 40
        }
    }
}
