internal import Buffers
internal import Dispatch
internal import Foundation
internal import Transport
internal import Wire

/// Which way a tensor travels.
enum WireDirection: String, CaseIterable {
    /// From a worker to the coordinator.
    case gradient
    /// From the coordinator to a worker.
    case version
}

/// Two processes that hand tensors to each other over loopback TCP: this one, which listens as a
/// coordinator does, and a copy of it that dials as a worker does.
final class WireLink {
    private let process: Process
    private let listener: any Listener
    private let connection: any Connection

    private init(_ process: Process, _ listener: any Listener, _ connection: any Connection) {
        self.process = process
        self.listener = listener
        self.connection = connection
    }

    /// Starts the other process with these arguments and the address, and waits until it has
    /// dialled.
    static func opened(arguments: [String]) async throws -> WireLink {
        let listener = try await NNGNetwork(limits: .wireBench).listen("tcp://127.0.0.1:0")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments + [listener.url]
        try process.run()
        return WireLink(process, listener, try await listener.accept())
    }

    /// Moves one tensor to the last byte and waits for the word that it has arrived, checked.
    ///
    /// - Returns: the seconds.
    func seconds(moving tensor: WireTensor, _ direction: WireDirection) async throws -> Double {
        let begin = DispatchTime.now().uptimeNanoseconds
        switch direction {
        case .version:
            try await connection.send(wireMessage(.take, [tensor]))
            _ = try await connection.receive()
        case .gradient:
            var fields = FieldWriter()
            fields.u64(UInt64(tensor.byteCount))
            try await connection.send(wireMessage(.give, fields: fields.bytes))
            let received = try await connection.receive()
            precondition(received.body.tensors[0].byteCount == tensor.byteCount)
        }
        return Double(DispatchTime.now().uptimeNanoseconds - begin) * 1e-9
    }

    /// Ends the other process.
    func close() {
        connection.close()
        listener.close()
        process.waitUntilExit()
    }
}

/// The other process: does what it is told until the connection ends.
func serveWireLink(at url: String) async throws {
    let network = NNGNetwork(limits: .wireBench)
    let connection = try await network.dial(url, timeout: .seconds(5))
    var tensor = wireTensor(byteCount: 4)
    while let message = try? await connection.receive() {  // throws: the other process has ended
        guard message.kind == WireOrder.give.rawValue else {
            try await connection.send(wireMessage(.take))
            continue
        }
        var fields = FieldReader(message.body.fields)
        let byteCount = Int(try fields.u64())
        if tensor.byteCount != byteCount { tensor = wireTensor(byteCount: byteCount) }
        try await connection.send(wireMessage(.give, [tensor]))
    }
}

/// What one process tells the other.
private enum WireOrder: UInt16 {
    /// Here is a tensor; say that it has arrived.
    case take = 1
    /// Send a tensor of so many bytes.
    case give = 2
}

private func wireMessage(
    _ order: WireOrder, _ tensors: [WireTensor] = [], fields: [UInt8] = []
) -> WireMessage {
    WireMessage(kind: order.rawValue, body: MessageBody(fields: fields, tensors: tensors))
}

/// A tensor of floats, none of them zero.
func wireTensor(byteCount: Int) -> WireTensor {
    let buffer = AlignedBuffer(uninitializedByteCount: byteCount)
    var floats = buffer.mutableFloats
    for index in 0..<floats.count { floats[index] = Float(index & 0xffff) + 0.5 }
    return WireTensor(name: "gradient", type: .f32, dims: [byteCount / 4], buffer: buffer)
}

extension ConnectionLimits {
    /// Large messages at once, as after a hello.
    fileprivate static let wireBench = ConnectionLimits(maxFirstBodyBytes: 1 << 30)
}
