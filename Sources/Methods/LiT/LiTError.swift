public import Identity

/// What can go wrong in LiT beyond its modules' own errors.
public enum LiTError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file of embeddings is not the one that the run was begun with.
    case changedImages(path: String, expected: Digest, found: Digest)
    /// A file of image embeddings does not fit the text tower.
    case wrongImages(path: String, problem: String)
    /// Captions are made of the names of other classes.
    case wrongClasses(wanted: Int, found: Int, name: String)
    /// Answers are asked for before `prepare` has read the embeddings.
    case noImages
    /// A slice's input to the exchange cannot be used.
    case badInput(slice: Int, problem: String)
    /// An answer lacks a tensor, or has it in another shape.
    case badAnswer(String)
    /// A checkpoint holds arrays that the method does not have.
    case unknownState([String])
    /// A run of another method has no text tower.
    case noTexts(method: String)

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .changedImages(let path, let expected, let found):
            "lit.images: \(path) has the SHA-256 \(found.shortHex), the run's embeddings have "
                + "\(expected.shortHex): restore the file, or begin another run"
        case .wrongImages(let path, let problem):
            "\(path) \(problem): write it with pleiad embed, with the network and flags that "
                + "wrote lit.images"
        case .wrongClasses(let wanted, let found, let name):
            "\(name) has \(found) classes, captions name \(wanted): train on Fashion-MNIST"
        case .noImages: "the embeddings of the images are not read yet"
        case .badInput(let slice, let problem):
            "the texts of slice \(slice) cannot be used: \(problem)"
        case .badAnswer(let problem):
            "the coordinator's answer \(problem): coordinator and worker differ in version"
        case .unknownState(let names):
            "the checkpoint has tables \(names), and lit has none: it is another run's"
        case .noTexts(let method):
            "a run of \(method) has no text tower to classify with: name a run of lit"
        }
    }
}
