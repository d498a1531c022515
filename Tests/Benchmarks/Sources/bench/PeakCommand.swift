import ArgumentParser

/// `bench peak`: what the machine can do at most.
struct PeakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peak",
        abstract: "The machine's multiply-add peak, product rates and memory bandwidth.",
        discussion: """
            Products of the shapes of our runs, each as a share of the multiply-add peak of one \
            core that was measured beside it.

            Example: deploy/bench peak --threads 2
            """)

    @Option(help: "Threads of the figures that are for several.")
    var threads = 2

    @Option(help: "Seconds of measuring for each figure.")
    var seconds = 1.0

    func validate() throws {
        guard threads >= 1, threads <= 64 else { throw ValidationError("--threads is 1 to 64") }
        guard seconds > 0 else { throw ValidationError("--seconds is more than 0") }
    }

    func run() throws {
        let crew = SlotCrew(count: threads)
        defer { crew.dismiss() }
        for count in threads > 1 ? [1, threads] : [1] {
            multiplyAdd(crew, threads: count).write()
        }
        for shape in ProductShape.ofOurRuns {
            for line in try ProductRates(shape, crew: crew, seconds: seconds).lines() {
                line.write()
            }
        }
        for count in threads > 1 ? [1, threads] : [1] {
            for line in MemoryRates(crew, threads: count, seconds: seconds).lines() {
                line.write()
            }
        }
    }

    private func multiplyAdd(_ crew: SlotCrew, threads: Int) -> CaseLine {
        var rates: [Double] = []
        let end = monotonicSeconds() + seconds
        repeat {
            rates.append(MultiplyAddPeak.measure(crew, slots: threads))
        } while monotonicSeconds() < end
        var line = CaseLine("fma-\(threads)")
        line.set("threads", threads)
        line.set("gflops", median(rates) * 1e-9)
        line.set("best_gflops", (rates.max() ?? .nan) * 1e-9)
        return line
    }
}
