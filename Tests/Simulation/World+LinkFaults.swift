// What goes wrong with connections and links.
extension World {
    func disturbConnection(_ fault: Fault) {
        let open = connections.filter(\.isOpen)
        guard !open.isEmpty else { return }
        let connection = chance.pick(open)
        let pipe = chance.happens(50) ? connection.up : connection.down
        switch fault {
        case .linkCut:
            if chance.happens(40) {
                connection.cut()
            } else {
                pipe.faults.cutAfter = pipe.acceptedBytes + chance.below(1500)
            }
        case .linkSwallow:
            pipe.faults.swallowAfter = pipe.acceptedBytes + chance.below(800)
            if chance.happens(50) {
                connection.up.faults.swallowAfter = connection.up.acceptedBytes
                connection.down.faults.swallowAfter = connection.down.acceptedBytes
            }
        default: pipe.faults.flipAt = pipe.acceptedBytes + chance.below(600)
        }
    }

    func disturbLink(_ fault: Fault, _ number: Int) {
        let time = Nanoseconds.milliseconds(200)...(.seconds(6))
        switch fault {
        case .linkDelay:
            change(number) { $0.delay = .milliseconds(300) }
            later(time) { self.change(number) { $0.delay = 0 } }
        case .slowReader:
            let rate = 300 + UInt64(chance.below(8000))
            change(number) { $0.bytesPerSecond = rate }
            later(time) { self.change(number) { $0.bytesPerSecond = nil } }
        case .linkStop: stopLink(number, isUp: true, isDown: true, time)
        default:
            let isUp = chance.happens(50)
            stopLink(number, isUp: isUp, isDown: !isUp, time)
        }
    }

    func stopLink(
        _ number: Int, isUp: Bool, isDown: Bool, _ time: ClosedRange<Nanoseconds>
    ) {
        change(number) {
            $0.isUpStopped = isUp
            $0.isDownStopped = isDown
        }
        later(time) { self.goOn(number) }
    }

    private func goOn(_ number: Int) {
        change(number) {
            $0.isUpStopped = false
            $0.isDownStopped = false
        }
    }

    /// Links are stopped one by one, and go on in another order.
    func swizzle() {
        var (order, back) = (Array(links.indices), Array(links.indices))
        for place in order.indices {
            order.swapAt(place, chance.below(order.count))
            back.swapAt(place, chance.below(back.count))
        }
        var pause: Nanoseconds = 0
        for number in order {
            pause += chance.time(.milliseconds(20)...(.milliseconds(400)))
            agenda.after(pause) { [unowned self] in
                guard !isHealed else { return }
                change(number) { ($0.isUpStopped, $0.isDownStopped) = (true, true) }
            }
        }
        for number in back {
            pause += chance.time(.milliseconds(20)...(.milliseconds(1200)))
            agenda.after(pause) { [unowned self] in if !isHealed { goOn(number) } }
        }
    }
}
