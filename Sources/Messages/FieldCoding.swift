internal import Identity
internal import Wire

// What several messages have in common, written and read in one place each.

extension FieldWriter {
    /// The 32 bytes of a digest.
    mutating func digest(_ digest: Digest) { raw(digest.bytes) }

    /// Text for people, cut at a character if it is too long.
    mutating func text(_ text: String, limit: Int) { string(text.cut(toBytes: limit)) }

    /// Everything of a task but step and slice.
    mutating func taskBody(_ task: SliceTask) {
        precondition(task.samples.count <= MessageLimits.samples, "a slice has too many samples")
        u64(task.dataEpoch)
        u32(task.stepSamples)
        count(task.samples.count)
        for sample in task.samples { u32(sample) }
    }

    /// The two ends of a node.
    mutating func node(_ node: SliceRange) {
        u32(node.lo)
        u32(node.hi)
    }
}

extension FieldReader {
    /// 32 bytes.
    mutating func digest(_ field: String) throws(WireError) -> Digest {
        let bytes = try raw(field, count: Digest.byteCount)
        guard let digest = Digest(bytes: bytes) else { throw .invalidText(field: field) }
        return digest
    }

    /// A byte that is one of an enumeration's values.
    mutating func choice<Choice: RawRepresentable>(
        _ field: String, _ type: Choice.Type
    ) throws(WireError) -> Choice where Choice.RawValue == UInt8 {
        let value = try u8(field)
        guard let choice = Choice(rawValue: value) else {
            throw .invalidValue(field: field, value: UInt64(value))
        }
        return choice
    }

    /// A u64 within its limit.
    mutating func u64(_ field: String, limit: UInt64) throws(WireError) -> UInt64 {
        let value = try u64(field)
        guard value <= limit else { throw .invalidValue(field: field, value: value) }
        return value
    }

    /// A name: 1 to 64 characters out of letters, digits, dot, dash and underscore.
    mutating func name(_ field: String) throws(WireError) -> String {
        let name = try string(field, limit: MessageLimits.nameBytes)
        guard isValidPeerName(name) else { throw .invalidText(field: field) }
        return name
    }

    /// Everything of a task but step and slice.
    mutating func taskBody(
        step: StepNumber, slice: SliceNumber
    ) throws(WireError) -> SliceTask {
        let dataEpoch = try u64("data epoch", limit: MessageLimits.steps)
        let stepSamples = try u32("samples of the step")
        let count = try count("samples", limit: MessageLimits.samples, itemBytes: 4)
        guard count >= 1, count <= Int(stepSamples) else {
            throw .invalidValue(field: "samples", value: UInt64(count))
        }
        var samples: [UInt32] = []
        samples.reserveCapacity(count)
        for _ in 0..<count { samples.append(try u32("sample")) }
        return SliceTask(
            step: step, slice: slice, dataEpoch: dataEpoch, stepSamples: stepSamples,
            samples: samples)
    }

    /// The two ends of a node, of which the first is the lower.
    mutating func node() throws(WireError) -> SliceRange {
        let lo = try u32("first slice")
        let hi = try u32("end of slices")
        guard lo < hi, hi <= UInt32(MessageLimits.slices) else {
            throw .invalidValue(field: "end of slices", value: UInt64(hi))
        }
        return SliceRange(Int(lo), Int(hi))
    }
}
