import CoordinatorCore
import Messages
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
    init(_ message: WireMessage, of work: any CoordinatedWork) {
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
                let input = try work.input(tensors, of: exchange)
                self = .request(request, .input(input))
            case .deliverNode(let delivery):
                let node = try work.node(tensors, of: delivery)
                self = .request(request, .node(node))
            default: self = .request(request, nil)
            }
        } catch {
            self = .unusable(request, error)
        }
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
