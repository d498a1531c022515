import CoordinatorCore

extension StatusDocument {
    /// Something that the run waits for.
    public struct Wait: Codable, Hashable, Sendable {
        /// What sort of thing: a word.
        public var kind: String
        /// What.
        public var what: String
        /// On whom.
        public var who: String
        /// For how long.
        public var sinceSeconds: Double
        /// Seconds until something is done about it by itself; nil where nothing is.
        public var deadlineSeconds: Double?
        /// What happens next.
        public var next: String

        enum CodingKeys: String, CodingKey {
            case kind, what, who, next
            case sinceSeconds = "since_seconds"
            case deadlineSeconds = "deadline_seconds"
        }

        /// A wait with these facts.
        public init(
            kind: String, what: String, who: String, sinceSeconds: Double,
            deadlineSeconds: Double? = nil, next: String
        ) {
            self.kind = kind
            self.what = what
            self.who = who
            self.sinceSeconds = sinceSeconds
            self.deadlineSeconds = deadlineSeconds
            self.next = next
        }

        /// A wait of the machine.
        init(_ wait: CoordinatorCore.Wait) {
            self.init(
                kind: wait.kind.rawValue, what: wait.what, who: wait.who,
                sinceSeconds: wait.sinceSeconds, deadlineSeconds: wait.deadlineSeconds,
                next: wait.next)
        }

        /// Every key at all times.
        public func encode(to encoder: any Encoder) throws {
            var keys = encoder.container(keyedBy: CodingKeys.self)
            try keys.encode(kind, forKey: .kind)
            try keys.encode(what, forKey: .what)
            try keys.encode(who, forKey: .who)
            try keys.encode(sinceSeconds, forKey: .sinceSeconds)
            try keys.encode(deadlineSeconds, forKey: .deadlineSeconds)
            try keys.encode(next, forKey: .next)
        }
    }
}

extension StatusDocument.Worker {
    /// Every key at all times.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(name, forKey: .name)
        try keys.encode(state, forKey: .state)
        try keys.encode(incarnation, forKey: .incarnation)
        try keys.encode(slicesDone, forKey: .slicesDone)
        try keys.encode(lastSeenSeconds, forKey: .lastSeenSeconds)
        try keys.encode(phase, forKey: .phase)
        try keys.encode(host, forKey: .host)
        try keys.encode(slots, forKey: .slots)
        try keys.encode(sliceSeconds, forKey: .sliceSeconds)
        try keys.encode(end, forKey: .end)
    }
}
