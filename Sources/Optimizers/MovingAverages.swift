import Kernels
public import Tensors

/// Moves a teacher towards its student: teacher <- momentum teacher + (1 - momentum) student.
///
/// - Parameters:
///   - teacher: flat parameters of the teacher.
///   - student: flat parameters of the same layout.
///   - momentum: the share of the teacher that stays, 0 to 1.
public func moveAverage(_ teacher: inout Tensor, toward student: Tensor, momentum: Double) {
    precondition(
        teacher.shape == student.shape, "teacher \(teacher.shape), student \(student.shape)")
    precondition(0 <= momentum && momentum <= 1, "a momentum of \(momentum)")
    var span = teacher.mutableSpan
    Vector.blend(
        &span, by: Float(momentum), with: student.span, by: Float(1 - momentum))
}

/// Averages of all parameters that follow them step by step: a teacher, a key encoder.
///
/// They begin as the parameters. When a step has moved these, the averages follow:
///
///     averages <- momentum averages + (1 - momentum) parameters
///
/// The next step sees both. An average is a function of the one before and the parameters alone, so
/// that who has both needs no third.
public struct ParameterAverages: Hashable, Sendable {
    /// The share of the averages that stays.
    public let momentum: Double

    /// Averages of this momentum, 0 to 1.
    public init(momentum: Double) {
        precondition(0 <= momentum && momentum <= 1, "a momentum of \(momentum)")
        self.momentum = momentum
    }

    /// The averages that follow others, once the parameters have moved.
    ///
    /// - Parameters:
    ///   - averages: those of the step before, flat.
    ///   - parameters: those of the step, of the same layout.
    @inline(never)
    public func following(_ averages: Tensor, _ parameters: Tensor) -> Tensor {
        var next = averages
        moveAverage(&next, toward: parameters, momentum: momentum)
        return next
    }
}

/// Batch-norm buffers after a step: (1 - momentum) old + momentum times the mean over the step's
/// slices of their means and unbiased variances, as torch moves them once for each batch.
///
/// - Parameters:
///   - old: flat buffers.
///   - meanOfSlices: the slices' statistics in the same layout, summed and divided by the number
///     of slices that hold samples.
///   - momentum: the share of the new statistics; torch's default is 0.1.
public func movedBuffers(_ old: Tensor, meanOfSlices: Tensor, momentum: Double = 0.1) -> Tensor {
    precondition(
        old.shape == meanOfSlices.shape, "buffers \(old.shape), moved by \(meanOfSlices.shape)")
    var result = old
    var span = result.mutableSpan
    Vector.blend(
        &span, by: Float(1 - momentum), with: meanOfSlices.span, by: Float(momentum))
    return result
}
