import CoordinatorCore
import Datasets
import Messages
import Methods
import Networks
import Optimizers
import Tensors
import Wire

/// A request as it came, decoded and with its tensors checked, before the coordinator hears of it.
///
/// Shapes, finiteness and digests are checked here, outside the coordinator's actor, so that no
/// heartbeat waits for them and what the machine counts can be used.
enum Arrival: Sendable {
    /// A request, with tensors if its kind has any.
    case request(Request, Tensors?)
    /// A request whose tensors do not fit it.
    case unusable(Request, Refusal)
    /// No request at all.
    case undecodable(Refusal)

    /// Tensors that came with a request.
    enum Tensors: Sendable {
        case input(NamedTensors)
        case node(SliceResult)
    }

    /// Decodes and checks a message of a peer.
    @inline(never)
    init(_ message: WireMessage, run: LoadedRun) {
        let request: Request
        do throws(Refusal) {
            request = try Request(message)
        } catch {
            self = .undecodable(error)
            return
        }
        do throws(Refusal) {
            let tensors = message.body.tensors
            switch request {
            case .exchange(let exchange):
                let input = try Self.input(tensors, of: exchange, run: run)
                self = .request(request, .input(input))
            case .deliverNode(let delivery):
                let node = try Self.node(tensors, of: delivery, run: run)
                self = .request(request, .node(node))
            default: self = .request(request, nil)
            }
        } catch {
            self = .unusable(request, error)
        }
    }

    private static func input(
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

    private static func node(
        _ tensors: [WireTensor], of delivery: DeliverNode, run: LoadedRun
    ) throws(Refusal) -> SliceResult {
        let result = try SliceResult(wire: tensors)
        guard result.precision == run.plan.gradientPrecision else {
            throw Refusal(
                .badValue,
                "node \(delivery.node): a gradient of type \(result.precision), the run's are "
                    + "\(run.plan.gradientPrecision)")
        }
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

/// The tensors of the request that the machine is handling: it keeps or drops them in that call.
struct Staging {
    private var held: (key: StagedKey, tensors: Arrival.Tensors)?

    /// Holds a request's tensors for the machine's word.
    ///
    /// - Precondition: those of the request before were kept or dropped.
    mutating func hold(_ tensors: Arrival.Tensors, as key: StagedKey) {
        precondition(held == nil, "\(key) comes before the machine's word on the tensors before")
        held = (key, tensors)
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

    private mutating func remove(_ key: StagedKey) -> Arrival.Tensors? {
        guard let held, held.key == key else { return nil }
        self.held = nil
        return held.tensors
    }
}
