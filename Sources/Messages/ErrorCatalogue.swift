/// Every error that crosses the wire: number, name, sentence, remedy.
///
/// Numbers are never reused.
public enum ErrorCode: UInt16, Hashable, Sendable, CaseIterable {
    /// The protocol versions do not meet.
    case unsupportedVersion = 1
    /// A message kind that the receiver does not know.
    case unknownKind = 2
    /// A flag that must be understood and is not.
    case unknownFlag = 3
    /// The body does not decode.
    case malformedBody = 4
    /// The message is not allowed at this point of the conversation.
    case outOfOrder = 5
    /// The frame belongs to another epoch or incarnation.
    case sayHello = 6
    /// A live worker has this name.
    case nameInUse = 7
    /// The numerics fingerprints differ.
    case fingerprintDiffers = 8
    /// The *bits* keys of the run file differ.
    case configDiffers = 9
    /// The data differ.
    case dataDiffers = 10
    /// The ticket opens nothing.
    case unknownTicket = 11
    /// The version is gone.
    case versionGone = 12
    /// The slice is not leased to the sender, or its step is over.
    case leaseGone = 13
    /// A value is outside its range.
    case badValue = 14
    /// A repeated input or result differs from the first.
    case resultDiffers = 15
    /// The run has failed.
    case runFailed = 16
    /// A queue or table of the coordinator is full.
    case tooMany = 17
    /// The coordinator closes.
    case closing = 18
    /// The worker was found faulty.
    case quarantined = 19
    /// The hello carries no token's code, and one is asked for.
    case tokenNeeded = 20
    /// The code in the hello was not made with a token of this coordinator for this conversation.
    case wrongToken = 21
    /// The sender's role does not allow it.
    case notAllowed = 22

    /// What happened, as a sentence.
    public var sentence: String {
        switch self {
        case .unsupportedVersion: "The peers speak no common protocol version."
        case .unknownKind: "The message kind is not known."
        case .unknownFlag: "The message carries a flag that must be understood and is not."
        case .malformedBody: "The message body does not decode."
        case .outOfOrder: "The message is not allowed at this point of the conversation."
        case .sayHello: "The sender's incarnation is over."
        case .nameInUse: "A live worker has this name."
        case .fingerprintDiffers: "The sender computes other bits than this run does."
        case .configDiffers: "The sender's run file differs in a key that decides bits."
        case .dataDiffers: "The sender's data differ from the run's."
        case .unknownTicket: "The ticket belongs to no welcomed worker."
        case .versionGone: "The version is no longer held."
        case .leaseGone: "The slice is not leased to the sender, or its step is over."
        case .badValue: "A value is outside its range."
        case .resultDiffers: "A repeated result differs from the first."
        case .runFailed: "The run has failed."
        case .tooMany: "The coordinator has no room for this."
        case .closing: "The coordinator is closing."
        case .quarantined: "The worker computed wrong bits and gets no more leases."
        case .tokenNeeded: "The coordinator takes in nobody without a token."
        case .wrongToken: "The token is not this coordinator's for this role and name."
        case .notAllowed: "The sender's role does not allow this."
        }
    }

    /// What the reader can do about it.
    public var remedy: String {
        switch self {
        case .unsupportedVersion: "Install the same release on both hosts."
        case .unknownKind, .unknownFlag, .malformedBody:
            "Install the same release on both hosts; if they are the same, report it."
        case .outOfOrder: "Close the connection and begin with greet and hello."
        case .sayHello: "Close the connections and say hello again."
        case .nameInUse:
            "Choose another --name, or wait until the other worker has left or is lost."
        case .fingerprintDiffers:
            "Use the same release on a processor of the same kind; see docs/operations.md."
        case .configDiffers: "Join without a run file of your own, or use the coordinator's."
        case .dataDiffers: "Install the same data set, or point --data at it."
        case .unknownTicket: "Close the connections and say hello again."
        case .versionGone: "Ask for a new lease."
        case .leaseGone: "Drop the slice and ask for a new lease."
        case .badValue: "Correct the value."
        case .resultDiffers: "Check the memory and processor of the named workers."
        case .runFailed: "Read the coordinator's log; mend the cause and start it again."
        case .tooMany: "Try again later."
        case .closing: "Join again when it is back."
        case .quarantined:
            "Check the memory and processor of its host; a restarted coordinator takes it again."
        case .tokenNeeded: "Give a keys directory with --keys; the run's operator issues it."
        case .wrongToken:
            "Use keys that this run's operator issued for this role and name and has not revoked."
        case .notAllowed: "Ask with an operator's keys."
        }
    }
}
