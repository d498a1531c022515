/// The samples of the step that is open at a method's coordinator, slice by slice.
///
/// A sample is what the method keeps of it: the image's number, or its labels.
struct OpenBatch<Sample: Sendable>: Sendable {
    /// The step.
    let step: Int
    /// The samples of every slice.
    let slices: [[Sample]]
    /// Samples in all slices.
    let count: Int

    init(step: Int, slices: [[Sample]]) {
        (self.step, self.slices) = (step, slices)
        count = slices.reduce(0) { $0 + $1.count }
    }

    /// All samples, slice after slice.
    var samples: [Sample] { slices.flatMap(\.self) }

    /// The answer group of these slices.
    ///
    /// - Throws: `EmbeddingExchangeError.wrongSlices` if the step has other ones.
    func group(_ slices: Range<Int>) throws(EmbeddingExchangeError) -> AnswerGroup<Sample> {
        guard slices.upperBound <= self.slices.count else {
            throw .wrongSlices(slices, of: self.slices.count)
        }
        return AnswerGroup(slices, of: self.slices)
    }
}
