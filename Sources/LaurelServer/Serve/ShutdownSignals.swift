import Dispatch
import Foundation

/// SIGTERM and SIGINT as a sequence, one element for each that arrives.
struct ShutdownSignals {
    let arrivals: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    private static let numbers = [SIGTERM, SIGINT]

    /// From here on these signals no longer end the process by themselves.
    init() {
        let (stream, continuation) = AsyncStream<Int32>.makeStream(
            bufferingPolicy: .bufferingOldest(Self.numbers.count))
        arrivals = stream
        sources = Self.numbers.map { number in
            // Dispatch watches beside the signal's own action, which must not be the end of the process.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(number) }
            source.activate()
            return source
        }
    }
}
