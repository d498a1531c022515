/// The methods there are: one line each.
public enum MethodRegistry {
    /// Every method, in the order of the documentation.
    public static let methods: [any Method.Type] = [
        MLCD.self,
        Contrastive.self,
        FineTuning.self,
        LiT.self,
    ]

    /// The names that a run file may give as its method.
    public static var names: [String] { methods.map { $0.name } }

    /// Reads the sections of a run file whose method is not known, so that their mistakes are
    /// found in the same go.
    static let standIn: any Method.Type = MLCD.self

    /// The method of that name, if there is one.
    public static func method(named name: String) -> (any Method.Type)? {
        methods.first { $0.name == name }
    }
}
