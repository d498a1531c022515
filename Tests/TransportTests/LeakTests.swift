import Foundation
import Testing
import Transport
import Wire

/// Connections that come and go must leave nothing behind.
@Suite struct LeakTests {
    /// What the open descriptors of this process refer to, such as "socket:[31426]".
    ///
    /// Timers are left out: Dispatch has one for each clock, made when that clock is first waited
    /// for.
    private func openFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .compactMap { descriptor in
                // The one that read the directory is gone.
                let path = "/proc/self/fd/\(descriptor)"
                return try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            }
            .filter { $0 != "anon_inode:[timerfd]" }
            .sorted()
    }

    /// Resident memory of this process in bytes.
    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return pages * 4096
    }

    /// What the listening side does with everybody: it receives until the connection ends.
    private func serve(_ listener: any Listener) async {
        await withDiscardingTaskGroup { group in
            while let connection = try? await listener.accept() {  // ends when it is closed
                group.addTask {
                    // Ends with an error: every peer of this test leaves.
                    while let received = try? await connection.receive() {
                        try? await connection.send(received)
                    }
                    connection.close()
                }
            }
        }
    }

    private func visit(_ listener: any Listener, _ index: Int) async throws {
        let isKilled = index % 4 == 3
        if isKilled {
            // Dies in the middle of a frame, at another byte each time.
            let frame = FrameCodec.encode(message(3000))[0]
            let peer = try RawPeer(port: try port(listener.url))
            peer.write(Array(frame[..<(index * 37 % frame.count)]))
            peer.close()
            return
        }
        let connection = try await NNGNetwork(limits: .open).dial(
            listener.url, timeout: .seconds(10))
        if index % 4 != 2 {
            try await connection.send(message(index % 5 * 1000))
            _ = try await connection.receive()
        }
        // One in two closes, one leaves it to the last reference.
        if index % 2 == 0 { connection.close() }
    }

    private func visits(_ listener: any Listener, _ count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= 8 { try await group.next() }
                group.addTask { try await visit(listener, index) }
            }
            try await group.waitForAll()
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `2000 connections, many killed within a frame, leave nothing behind`() async throws {
        // In a process of its own, so that nobody else's descriptors and memory are counted.
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) {
            let counted = try await LeakTests().countAfter2000Connections()
            print("\(counted)")
            #expect(counted.openAfter.count <= counted.openBefore.count)
            #expect(counted.residentGrowthBytes < LeakTests.residentGrowthBytesMax)
        }
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self))
    }

    /// Every leaked connection would hold a descriptor and about 20 KB of memory, 2000 of them
    /// 40 MB; what allocators and thread stacks keep is a few MB.
    ///
    /// The address sanitizer keeps freed memory in quarantine (256 MB); it reports leaks itself.
    private static let residentGrowthBytesMax =
        ProcessInfo.processInfo.environment["ASAN_OPTIONS"] == nil ? 16 << 20 : 512 << 20

    /// A worker that is cut off again and again is cut off within versions and gradients.
    @Test(.timeLimit(.minutes(3)))
    func `500 connections that end within a large message give its memory back`() async throws {
        await #expect(processExitsWith: .success) {
            let growth = try await LeakTests().growthAfterHalfMessages()
            #expect(growth < LeakTests.messageGrowthBytesMax, "\(growth) bytes")
        }
    }

    /// Messages that stayed would add 8 MiB each, or the half of it: 2 GiB and more.
    ///
    /// Two blocks of that size may lie ready in the pool where the first connections left none, and
    /// some be on their way: 8 of them.
    private static let messageGrowthBytesMax = max(64 << 20, residentGrowthBytesMax)

    /// The growth of resident memory.
    private func growthAfterHalfMessages() async throws -> Int {
        let network = NNGNetwork(limits: .open)
        let listener = try await network.listen("tcp://127.0.0.1:0")
        let serving = Task { await serve(listener) }
        let large = message(8 << 20)
        let frames = FrameCodec.encode(large)
        let idle = try openFiles().count
        func cutOff(_ count: Int) async throws {
            for index in 0..<count {
                if index % 2 == 0 {
                    let peer = try RawPeer(port: try port(listener.url))
                    for frame in frames.prefix(frames.count / 2) { peer.write(frame) }
                    peer.write(Array(frames[frames.count / 2].prefix(index * 1009)))
                    peer.close()
                } else {
                    // This side sends, and closes in the middle of it.
                    let connection = try await network.dial(listener.url, timeout: .seconds(10))
                    let sending = Task { try await connection.send(large) }
                    try await Task.sleep(for: .microseconds(index * 7))
                    connection.close()
                    _ = await sending.result
                }
            }
        }
        try await cutOff(50)
        let open = try await settled(atMost: idle)
        let before = try residentBytes()
        try await cutOff(500)
        _ = try await settled(atMost: open.count)
        let growth = try residentBytes() - before
        listener.close()
        await serving.value
        return growth
    }

    private struct Counted {
        var openBefore: [String]
        var openAfter: [String]
        var residentGrowthBytes: Int
    }

    private func countAfter2000Connections() async throws -> Counted {
        let listener = try await NNGNetwork(limits: .open).listen("tcp://127.0.0.1:0")
        let serving = Task { await serve(listener) }
        // Threads, pools and caches are made once, by the first connections.
        let idle = try openFiles().count
        try await visits(listener, 200)
        let open = try await settled(atMost: idle)
        let resident = try residentBytes()
        try await visits(listener, 2000)
        let counted = Counted(
            openBefore: open,
            openAfter: try await settled(atMost: open.count),
            residentGrowthBytes: try residentBytes() - resident)
        listener.close()
        await serving.value
        return counted
    }

    /// What is open once it is little enough or 30 s are over: sockets are freed by the reaper, a
    /// moment after the last connection has gone, or some seconds on a busy machine.
    private func settled(atMost limit: Int) async throws -> [String] {
        var open = try openFiles()
        for _ in 0..<600 where open.count > limit {
            try await Task.sleep(for: .milliseconds(50))
            open = try openFiles()
        }
        return open
    }
}
