import Dispatch
import Foundation

/// What a person reads while a command computes.
///
/// On a terminal a line that is rewritten, elsewhere one every few seconds. Ctrl-C and SIGTERM stop
/// the work.
final class WorkLine {
    private let text: @Sendable (Duration) -> String
    private let begin = ContinuousClock.now
    private let timer: any DispatchSourceTimer
    private let signals: [any DispatchSourceSignal]

    /// - Parameters:
    ///   - stop: asks the work to stop.
    ///   - text: the line after so much time.
    init(
        stop: @escaping @Sendable () -> Void, text: @escaping @Sendable (Duration) -> String
    ) {
        self.text = text
        timer = DispatchSource.makeTimerSource(queue: .global())
        signals = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { stop() }
            return source
        }
    }

    func start() {
        let pause = Terminal.isInteractive ? 0.25 : 10
        timer.schedule(deadline: .now() + pause, repeating: pause)
        timer.setEventHandler { [text, begin] in
            let text = text(ContinuousClock.now - begin)
            let line = Terminal.isInteractive ? Terminal.clearLine + text : text + "\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
        timer.resume()
        for source in signals { source.resume() }
    }

    /// Prints a line above.
    func say(_ text: String) {
        let text = (Terminal.isInteractive ? Terminal.clearLine : "") + text + "\n"
        FileHandle.standardError.write(Data(text.utf8))
    }

    func end() {
        timer.cancel()
        for source in signals { source.cancel() }
        if Terminal.isInteractive {
            FileHandle.standardError.write(Data(Terminal.clearLine.utf8))
        }
    }
}
