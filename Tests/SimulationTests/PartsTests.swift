import Messages
import Testing

@testable import Simulation

/// The parts of the simulated world.
@Suite struct PartsTests {
    @Test func `what is due at one time happens in the order in which it was put down`() {
        let agenda = Agenda()
        var heard: [Int] = []
        for number in [3, 1, 2] { agenda.after(UInt64(number)) { heard.append(number) } }
        agenda.after(2) { heard.append(22) }
        while agenda.runNext() {}
        #expect(heard == [1, 2, 22, 3])
        #expect(agenda.now == 3)
    }

    @Test func `a stopped process does later what was due, a dead one nothing`() {
        let agenda = Agenda()
        let process = SimulatedProcess(agenda: agenda)
        var heard: [Int] = []
        process.stop()
        process.run { heard.append(1) }
        process.after(5) { heard.append(2) }
        while agenda.runNext() {}
        #expect(heard.isEmpty)
        process.goOn()
        #expect(heard == [1, 2])
        process.die()
        process.run { heard.append(3) }
        #expect(heard == [1, 2])
    }

    @Test func `a clock that runs fast or jumps shows more, and its pauses are shorter`() {
        let agenda = Agenda()
        let process = SimulatedProcess(agenda: agenda)
        var heard: [Nanoseconds] = []
        process.runClock(at: 125)
        process.after(1000) { heard.append(agenda.now) }
        while agenda.runNext() {}
        #expect(heard == [800])
        #expect(process.time == 1000)
        process.jumpClock(by: 50)
        process.runClock(at: 100)
        process.after(10) { heard.append(process.time) }
        while agenda.runNext() {}
        #expect(heard == [800, 1060])
        #expect(agenda.now == 810)
    }

    private func pipe(_ agenda: Agenda, _ change: (inout PipeFaults) -> Void) -> SimulatedPipe {
        let pipe = SimulatedPipe(
            agenda: agenda, chance: Chance(seed: 1), latency: 10, bytesMax: 1000)
        change(&pipe.faults)
        return pipe
    }

    @Test(arguments: 0...10) func `a pipe delivers bytes in order, up to the cut`(place: Int) {
        let agenda = Agenda()
        let pipe = pipe(agenda) { $0.cutAfter = place }
        var (heard, isCut): ([UInt8], Bool) = ([], false)
        pipe.onBytes = { heard += $0 }
        pipe.onCut = { isCut = true }
        for byte in UInt8(0)..<10 { _ = pipe.send([byte]) }
        while agenda.runNext() {}
        #expect(heard == Array(UInt8(0)..<UInt8(min(place, 10))))
        #expect(isCut)
    }

    @Test func `swallowed bytes are accepted and never arrive, nor does the end`() {
        let agenda = Agenda()
        let pipe = pipe(agenda) { $0.swallowAfter = 3 }
        var (heard, isEnded): ([UInt8], Bool) = ([], false)
        pipe.onBytes = { heard += $0 }
        pipe.onEnd = { isEnded = true }
        #expect(pipe.send([0, 1, 2, 3, 4]))
        #expect(pipe.send([5]))
        pipe.end()
        while agenda.runNext() {}
        #expect(heard == [0, 1, 2])
        #expect(!isEnded)
    }

    @Test func `a stopped link delivers everything once it goes on`() {
        let agenda = Agenda()
        let pipe = pipe(agenda) { $0.isStopped = true }
        var heard: [UInt8] = []
        pipe.onBytes = { heard += $0 }
        _ = pipe.send([1, 2])
        while agenda.runNext() {}
        #expect(heard.isEmpty)
        pipe.faults.isStopped = false
        #expect(heard == [1, 2])
    }

    @Test func `a writer whose reader takes nothing is told so`() {
        let pipe = pipe(Agenda()) { $0.isStopped = true }
        #expect(pipe.send([UInt8](repeating: 0, count: 1000)))
        #expect(!pipe.send([1]))
    }

    @Test func `a changed bit is found by the checksum`() {
        let message = Request.status.message(
            id: RequestID(rawValue: 1), incarnation: Incarnation(rawValue: 2), tensors: [])
        let bytes = message.encoded
        for place in bytes.indices {
            var reader = FrameReader()
            var changed = bytes
            changed[place] ^= 1
            let taken = try? reader.take(changed).count  // an error ends the connection
            #expect(taken == nil || taken == 0, "byte \(place)")
        }
        var reader = FrameReader()
        #expect(bytes.reduce(0) { $0 + ((try? reader.take([$1]).count) ?? 99) } == 1)
    }

    @Test func `the run without faults depends on the seed alone`() {
        let (a, b) = (FaultFreeRun(Plan(seed: 5)), FaultFreeRun(Plan(seed: 5)))
        #expect(a.states == b.states)
        #expect(a.states.count == Plan(seed: 5).steps + 1)
        #expect(a.states.last != FaultFreeRun(Plan(seed: 6)).states.last)
    }
}
