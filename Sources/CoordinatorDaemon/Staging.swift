import CoordinatorCore
import Datasets
import Messages
import Methods
import Networks
import Optimizers
import Tensors
import Wire

/// Tensors that came with requests, held until the machine says what becomes of them.
///
/// What is staged is bounded: a worker has at most one exchange or delivery outstanding a slot,
/// and a connection that stages more is out of order. Shapes are checked here, so that what the
/// machine counts can be used.
struct Staging {
    private enum Staged {
        case input(NamedTensors)
        case node(SliceResult)
    }

    private var held: [StagedKey: Staged] = [:]
    private var heldCount: [ConnectionID: Int] = [:]

    /// Exchanges and deliveries of one connection that may wait for the machine's word.
    private static let heldMax = 64

    /// Takes a request's tensors, if its kind has any.
    ///
    /// - Throws: a refusal if they do not fit the request.
    mutating func stage(
        _ request: Request, _ tensors: [WireTensor], from connection: ConnectionID,
        id: RequestID, run: LoadedRun
    ) throws(Refusal) {
        let staged: Staged
        switch request {
        case .exchange(let exchange):
            staged = .input(try input(tensors, of: exchange, run: run))
        case .deliverNode(let delivery):
            staged = .node(try node(tensors, of: delivery, run: run))
        default:
            return
        }
        guard heldCount[connection, default: 0] < Self.heldMax else {
            throw Refusal(.tooMany, "\(Self.heldMax) exchanges and nodes are waiting already")
        }
        let key = StagedKey(connection: connection, request: id)
        guard held.updateValue(staged, forKey: key) == nil else {
            throw Refusal(.outOfOrder, "request \(id) is under way already")
        }
        heldCount[connection, default: 0] += 1
    }

    /// The input that the machine keeps.
    mutating func takeInput(_ key: StagedKey) -> NamedTensors {
        guard case .input(let tensors)? = remove(key) else {
            preconditionFailure("the machine keeps an input that is not staged: \(key)")
        }
        return tensors
    }

    /// The node that the machine keeps.
    mutating func takeNode(_ key: StagedKey) -> SliceResult {
        guard case .node(let result)? = remove(key) else {
            preconditionFailure("the machine keeps a node that is not staged: \(key)")
        }
        return result
    }

    /// Forgets tensors that the machine does not want.
    mutating func drop(_ key: StagedKey) { _ = remove(key) }

    /// Forgets what a closed connection has staged.
    mutating func dropAll(of connection: ConnectionID) {
        held = held.filter { $0.key.connection != connection }
        heldCount[connection] = nil
    }

    private mutating func remove(_ key: StagedKey) -> Staged? {
        guard let staged = held.removeValue(forKey: key) else { return nil }
        heldCount[key.connection, default: 1] -= 1
        return staged
    }

    private func input(
        _ tensors: [WireTensor], of exchange: Exchange, run: LoadedRun
    ) throws(Refusal) -> NamedTensors {
        let method = run.plan.method
        let input = try NamedTensors(wire: tensors)
        guard Int(exchange.round) < method.exchanges.count,
            exchange.slice.index < run.sampler.slices
        else {
            throw Refusal(.badValue, "round \(exchange.round), slice \(exchange.slice)")
        }
        let samples = run.sampler.rows(
            step: exchange.step.index, slice: exchange.slice.index
        ).count
        let problem = method.problem(
            with: input, round: Int(exchange.round), samples: samples)
        if let problem { throw Refusal(.badValue, problem) }
        guard input.digest == exchange.digest else {
            throw Refusal(.badValue, "the tensors do not have the digest that comes with them")
        }
        return input
    }

    private func node(
        _ tensors: [WireTensor], of delivery: DeliverNode, run: LoadedRun
    ) throws(Refusal) -> SliceResult {
        let result = try SliceResult(wire: tensors)
        let layout = run.plan.method.layout
        guard result.gradient.count == layout.flatCount,
            result.statistics.count == layout.bufferLayout.flatCount,
            result.sums.map(\.name) == run.plan.method.sumNames
        else {
            throw Refusal(
                .badValue,
                "node \(delivery.node): gradient of \(result.gradient.count), statistics of "
                    + "\(result.statistics.count), sums \(result.sums.map(\.name))")
        }
        return result
    }
}
