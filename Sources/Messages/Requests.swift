public import Identity

/// What a worker or a client asks of the coordinator.
///
/// Tensors travel beside the fields and are listed with each case; `proto/PROTOCOL.md` gives every
/// field byte by byte.
public enum Request: Hashable, Sendable {
    /// First message of a control connection: which protocol minors the peer speaks.
    case greet(Greet)
    /// Who the peer is and what it computes with; answered by `Reply.welcome`.
    case hello(Hello)
    /// First message of a bulk connection, with the ticket from the welcome.
    case attach(Attach)
    /// The worker holds the run file and the data and can take leases.
    case ready(Ready)
    /// An idle slot wants a slice; the reply comes when there is one.
    case requestLease(RequestLease)
    /// Wants the parameters of a version; reply tensors `parameters` and `buffers`.
    case fetchVersion(FetchVersion)
    /// A slice's input to an exchange round, with the method's named tensors; the reply, with the
    /// method's named tensors, comes when the slice's answer group is computed.
    case exchange(Exchange)
    /// Announces a node of the gradient tree; the reply is the credit to send it, or to drop it.
    case offerNode(OfferNode)
    /// The node itself; tensors `gradient`, `statistics`, `sum.NAME`, `rows.NAME`.
    case deliverNode(DeliverNode)
    /// Progress of every slot.
    case heartbeat(Heartbeat)
    /// Hands a slice back, because of an error or a drain.
    case returnLease(ReturnLease)
    /// The worker leaves on purpose.
    case goodbye(Goodbye)
    /// Wants the status document.
    case status
    /// Wants the coordinator to do something; an operator's.
    case steer(Steer)
}

/// The opening of a control connection (PROTOCOL.md, greet).
public struct Greet: Hashable, Sendable {
    /// Lowest protocol minor that the peer speaks.
    public var minorLowest: UInt8
    /// Highest protocol minor that the peer speaks.
    public var minorHighest: UInt8
    /// Sixteen random bytes, fresh for each connection: what proves a side covers them.
    public var nonce: [UInt8]

    /// A greeting with these facts.
    public init(minorLowest: UInt8, minorHighest: UInt8, nonce: [UInt8]) {
        self.minorLowest = minorLowest
        self.minorHighest = minorHighest
        self.nonce = nonce
    }
}

/// Who a peer is (PROTOCOL.md, hello).
public struct Hello: Hashable, Sendable {
    /// What it is.
    public var role: PeerRole
    /// The name under which it appears in status; unique among live workers.
    public var name: String
    /// Host name and process, for people.
    public var host: String
    /// Its process id.
    public var processID: UInt32
    /// Version of the program, for people.
    public var programVersion: String
    /// Bit set of optional abilities; none is defined yet.
    public var features: UInt64
    /// Largest message body that it accepts, in bytes.
    public var bodyBytesMax: UInt64
    /// Number of compute slots.
    public var slots: UInt16
    /// Hash of the bits of its numerics canary.
    public var fingerprint: Digest
    /// Digest of the run's *bits* keys, or zero if it has no run file yet.
    public var configDigest: Digest
    /// Digest of its data, or zero if it has not loaded them yet.
    public var dataDigest: Digest
    /// Shows that it holds a token of its role and name; none where no tokens are asked for.
    public var proof: HelloProof

    /// A hello with these facts.
    public init(
        role: PeerRole, name: String, host: String, processID: UInt32, programVersion: String,
        features: UInt64, bodyBytesMax: UInt64, slots: UInt16, fingerprint: Digest,
        configDigest: Digest, dataDigest: Digest, proof: HelloProof = .none
    ) {
        self.role = role
        self.name = name
        self.host = host
        self.processID = processID
        self.programVersion = programVersion
        self.features = features
        self.bodyBytesMax = bodyBytesMax
        self.slots = slots
        self.fingerprint = fingerprint
        self.configDigest = configDigest
        self.dataDigest = dataDigest
        self.proof = proof
    }
}

/// Ties a bulk connection to a welcomed worker.
public struct Attach: Hashable, Sendable {
    /// The ticket from the welcome.
    public var ticket: UInt64
    /// An attachment by ticket.
    public init(ticket: UInt64) { self.ticket = ticket }
}

/// The worker can compute: its digests must equal the run's.
public struct Ready: Hashable, Sendable {
    /// Digest of the run's *bits* keys as the worker understood them.
    public var configDigest: Digest
    /// Digest of the data that it loaded.
    public var dataDigest: Digest
    /// The data shards that it holds; empty means all.
    public var shards: [UInt32]
    /// Readiness with these facts.
    public init(configDigest: Digest, dataDigest: Digest, shards: [UInt32]) {
        self.configDigest = configDigest
        self.dataDigest = dataDigest
        self.shards = shards
    }
}

/// A worker leaves on purpose.
public struct Goodbye: Hashable, Sendable {
    /// A sentence for people.
    public var detail: String
    /// A farewell.
    public init(detail: String) { self.detail = detail }
}

/// What an operator wants done.
public enum SteerAction: UInt8, Hashable, Sendable, CaseIterable {
    /// End the run at the end of the open step, with a checkpoint.
    case stop = 1
}

/// Asks the coordinator to act.
public struct Steer: Hashable, Sendable {
    /// What to do.
    public var action: SteerAction
    /// Why, a sentence for the log.
    public var detail: String
    /// A wish with its reason.
    public init(action: SteerAction, detail: String) {
        self.action = action
        self.detail = detail
    }
}
