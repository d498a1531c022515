import Foundation

/// A peer that sends bytes of its choice to a coordinator, by way of a shell: no code of ours takes
/// part.
enum RawPeer {
    /// How a connection ended.
    struct End {
        /// Whether the coordinator closed it.
        var isClosed: Bool
        /// Bytes that came back.
        var answer: [UInt8]
    }

    /// Sends `bytes`, then listens until the connection is closed, at most `seconds`.
    static func send(
        _ bytes: [UInt8], to url: String, seconds: Int = 6
    ) async throws -> End {
        let scratch = try ScratchDirectory()
        let sent = try scratch.write("sent", bytes)
        let received = scratch.appending("received")
        let port = url.split(separator: ":").last ?? ""
        let shell = try RunningProgram(
            [
                "-c",
                """
                exec 3<>/dev/tcp/127.0.0.1/\(port) || exit 3
                cat '\(sent)' >&3
                timeout \(seconds) cat <&3 >'\(received)'
                """,
            ], executable: URL(fileURLWithPath: "/bin/bash"))
        let code = try await shell.exitCode(within: Double(seconds) + 10)
        guard code != 3 else { throw ProgramFailure(description: shell.errors) }
        // timeout's own code says that the connection was still open.
        return End(isClosed: code != 124, answer: try SmallFiles.bytes(of: received))
    }

    /// A header as `proto/PROTOCOL.md` lays it out, with right checksums whatever it says.
    static func frame(
        major: UInt8 = 1, kind: Int = 1, chunkIndex: Int = 0, chunkCount: Int = 1,
        payloadLength: Int? = nil, requestID: Int = 1, payload: [UInt8], isDamaged: Bool = false
    ) -> [UInt8] {
        var header: [UInt8] = [0x50, 0x4c, 0x44, 0x46, major, 0]
        func append(_ value: Int, _ count: Int) {
            header += (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        append(kind, 2)
        append(0, 2)  // flags
        append(64, 2)
        append(chunkIndex, 4)
        append(0, 8)  // incarnation
        append(requestID, 8)
        append(0, 8)  // step
        append(0, 4)  // slice
        append(chunkCount, 4)
        append(payloadLength ?? payload.count, 4)
        append(Int(crc32c(payload)) ^ (isDamaged ? 1 : 0), 4)
        append(0, 4)
        append(Int(crc32c(header)), 4)
        return header + payload
    }

    /// Castagnoli's checksum, bit by bit.
    private static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        var register = ~UInt32(0)
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 {
                register = register >> 1 ^ (register & 1 == 0 ? 0 : 0x82f6_3b78)
            }
        }
        return ~register
    }
}
