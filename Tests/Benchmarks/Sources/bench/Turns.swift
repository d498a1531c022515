/// Something whose units of work are timed in turns with others'.
struct Entrant {
    /// What it is called in figures.
    let name: String
    /// Does so many units of work; the seconds of each.
    let run: (_ count: Int) throws -> [Double]
}

/// Times entrants in turns, so that a machine whose speed wanders is fair to all of them.
struct Turns {
    /// Seconds that all turns together take, about.
    var seconds: Double
    /// The seconds of a turn, about; units that take longer come two at a time.
    var turnSeconds = 1.2
    /// Rounds that are made whatever they take.
    var roundsMin = 2
    /// The fewest units of a turn.
    var unitsMin = 2

    /// Rounds over all entrants until the time is over.
    ///
    /// - Parameter between: runs once a round, for figures of the machine itself.
    /// - Returns: for each entrant the seconds of all its units.
    func time(_ entrants: [Entrant], between: () -> Void = {}) throws -> [[Double]] {
        let counts = try entrants.map { entrant in
            let unit = try entrant.run(2)[1]
            return max(unitsMin, min(1000, Int((turnSeconds / unit).rounded())))
        }
        var found: [[Double]] = entrants.map { _ in [] }
        let begin = monotonicSeconds()
        var rounds = 0
        var roundSeconds = 0.0
        while rounds < roundsMin || monotonicSeconds() - begin + roundSeconds < seconds {
            let start = monotonicSeconds()
            between()
            for (index, entrant) in entrants.enumerated() {
                found[index] += try entrant.run(counts[index])
            }
            rounds += 1
            roundSeconds = monotonicSeconds() - start
        }
        return found
    }
}
