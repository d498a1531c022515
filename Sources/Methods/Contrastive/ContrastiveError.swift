/// What can go wrong in instance discrimination beyond its modules' own errors.
public enum ContrastiveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The hard losses take more rows than there are images.
    case tooManyHardest(Int, images: Int)
    /// A checkpoint's constant of noise-contrastive estimation is none.
    case badConstant

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .tooManyHardest(let hardest, let images):
            "contrastive.hardest is \(hardest), but the bank has \(images) rows, one an image: "
                + "give less, a tenth of the images or so"
        case .badConstant:
            "array nce.constant of the checkpoint is no positive number: use an older checkpoint"
        }
    }
}
