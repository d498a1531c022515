// How workers reach the coordinator.
extension World {
    /// Connects a worker to the coordinator; nil if nobody answers in time.
    func dial(
        from worker: WorkerTwin, within limit: Nanoseconds,
        then: @escaping (SimulatedConnection?) -> Void
    ) {
        let (process, number) = (worker.process, worker.number)
        let deadline = agenda.now + limit
        agenda.after(2 * plan.latency + links[number].delay) { [unowned self] in
            attempt(number, process, until: deadline, then)
        }
    }

    private func attempt(
        _ number: Int, _ process: SimulatedProcess, until deadline: Nanoseconds,
        _ then: @escaping (SimulatedConnection?) -> Void
    ) {
        let link = links[number]
        if link.isUpStopped || link.isDownStopped {
            guard agenda.now < deadline else { return process.run { then(nil) } }
            agenda.after(.milliseconds(200)) { [unowned self] in
                attempt(number, process, until: deadline, then)
            }
            return
        }
        guard !process.isDead else { return }
        guard let coordinator else { return process.run { then(nil) } }
        let connection = connect(number)
        process.run { then(connection) }
        coordinator.accept(connection)
    }

    /// A connection over a worker's link.
    func connect(_ number: Int) -> SimulatedConnection {
        let connection = SimulatedConnection(
            peer: number, agenda: agenda, chance: &chance, latency: plan.latency,
            bytesMax: plan.bytesUnderWayMax)
        connections.removeAll { !$0.isOpen }
        connections.append(connection)
        if links.indices.contains(number) { apply(links[number], to: connection) }
        return connection
    }

    /// Changes a worker's link, and with it all its connections.
    func change(_ number: Int, _ change: (inout Link) -> Void) {
        change(&links[number])
        for connection in connections where connection.peer == number {
            apply(links[number], to: connection)
        }
    }

    private func apply(_ link: Link, to connection: SimulatedConnection) {
        connection.up.faults.isStopped = link.isUpStopped
        connection.down.faults.isStopped = link.isDownStopped
        connection.up.faults.delay = link.delay
        connection.down.faults.delay = link.delay
        connection.down.faults.bytesPerSecond = link.bytesPerSecond
    }
}
