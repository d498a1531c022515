import CoordinatorCore
import Messages
import Testing

/// Design, section 3, *No stranger in*: what peers may do before they have said hello.
@Suite struct StrangerTests {
    private func bench() -> Bench {
        var settings = benchSettings()
        settings.strangersMax = 64
        return Bench(settings)
    }

    @Test func `one address has eight connections that have not said hello`() {
        var bench = bench()
        for _ in 0..<8 { _ = bench.connect() }
        let ninth = bench.give(
            .connected(ConnectionID(100), peer: "10.0.0.1:4711", ticket: 1))
        #expect(ninth.closed == [ConnectionID(100)])
        let other = bench.give(
            .connected(ConnectionID(101), peer: "10.0.0.2:4711", ticket: 2))
        #expect(other.closed == [])
    }

    @Test func `an address has room again once a connection has said hello, or is gone`() {
        var bench = bench()
        let ids = (0..<7).map { _ in bench.connect() }
        _ = bench.join("a")
        _ = bench.connect()
        #expect(
            bench.give(.connected(ConnectionID(100), peer: "10.0.0.1:1", ticket: 1)).closed != [])
        bench.give(.closed(ids[0]))
        #expect(
            bench.give(.connected(ConnectionID(101), peer: "10.0.0.1:2", ticket: 2)).closed == [])
    }

    @Test func `addresses of the sixth version of the protocol are told apart too`() {
        var bench = bench()
        for number in 0..<8 {
            let id = ConnectionID(UInt64(200 + number))
            bench.give(.connected(id, peer: "[::1]:\(number)", ticket: UInt64(number)))
        }
        let same = bench.give(.connected(ConnectionID(300), peer: "[::1]:99", ticket: 9))
        #expect(same.closed == [ConnectionID(300)])
        let other = bench.give(.connected(ConnectionID(301), peer: "[::2]:99", ticket: 10))
        #expect(other.closed == [])
    }
}
