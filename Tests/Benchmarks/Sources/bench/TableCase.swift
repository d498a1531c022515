internal import Optimizers

/// The size of a table and its draw; batch and positives are the same for all.
struct TableCase {
    enum Optimizer: String {
        case sgd
        case adamw

        var rule: UpdateRule {
            switch self {
            case .sgd: .sgd(SGDMomentum(momentum: 0.9))
            case .adamw: .adamW(AdamW())
            }
        }
    }

    static let batch = 256
    static let positives = 8
    /// The learning rate of the rows.
    static let rate = 0.1

    static let all = [
        TableCase(name: "million-512", centers: 1_000_000, dim: 512, share: 0.1),
        TableCase(name: "million-128", centers: 1_000_000, dim: 128, share: 0.1),
        TableCase(name: "ten-million-64", centers: 10_000_000, dim: 64, share: 0.1),
        TableCase(name: "million-512-full", centers: 1_000_000, dim: 512, share: 1),
    ]

    let name: String
    let centers: Int
    let dim: Int
    /// The part of the centers that a step draws.
    let share: Double

    /// What the peer script is told.
    var peerArguments: [String] {
        [
            "--centers", "\(centers)", "--dim", "\(dim)", "--batch", "\(Self.batch)",
            "--positives", "\(Self.positives)", "--rate", "\(share)",
        ]
    }

    /// Floating-point operations of the three products of a step, for so many rows drawn.
    func operations(drawn: Int) -> Double {
        3 * 2 * Double(Self.batch) * Double(drawn) * Double(dim)
    }
}
