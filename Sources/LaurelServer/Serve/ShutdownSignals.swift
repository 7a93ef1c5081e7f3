import Dispatch
import Foundation

/// SIGTERM and SIGINT as a sequence, one element for each that arrives.
struct ShutdownSignals {
    let arrivals: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    private static let numbers = [SIGTERM, SIGINT]

    /// From here on these signals no longer end the process by themselves.
    ///
    /// - Parameter limit: So long after the first one the process ends with 0, should it not have ended before: where a backend blocks
    ///   the loops or the tasks' threads, although it says that it never does, nothing else would end it.
    init(endingWithin limit: Duration) {
        let (stream, continuation) = AsyncStream<Int32>.makeStream(
            bufferingPolicy: .bufferingOldest(Self.numbers.count))
        arrivals = stream
        let arrived = DispatchSemaphore(value: 0)
        // A thread, as what dispatch is to do later it may do a tenth later than that.
        Thread.detachNewThread {
            arrived.wait()
            Thread.sleep(forTimeInterval: limit / .seconds(1))
            _exit(0)
        }
        sources = Self.numbers.map { number in
            // Dispatch watches beside the signal's own action, which must not be the end of the process.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                continuation.yield(number)
                arrived.signal()
            }
            source.activate()
            return source
        }
    }
}
