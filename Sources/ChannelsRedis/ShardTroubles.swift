import Channels
import Reactor

/// What is wrong with a shard's Redis, for the operator: a line when something begins to be wrong, with why, and one when nothing
/// is any more. Loop only.
///
/// Everybody who notices a trouble says so here, each time; most of that is known already. What is wrong without an end is
/// noticed again each second, by the tick; so what was not reported at first, as another line was just written, is later.
final class ShardTroubles {
    enum Source {
        case calls
        case bells
        /// The connection works, and Redis, or what is left of our limits, refuses.
        case answers
    }

    private let loop: EventLoop
    private let report: @Sendable (BackendReport) -> Void
    private var current: Set<Source> = []
    private var since: ContinuousClock.Instant?
    /// What the operator knows of what is wrong now.
    private var reported: Set<String> = []
    private var reportedAt: ContinuousClock.Instant?

    /// Between two lines that tell of a trouble.
    private static let pause = Duration.seconds(10)
    /// Reasons that are told of one trouble.
    private static let reasonsMax = 8

    init(on loop: EventLoop, report: @escaping @Sendable (BackendReport) -> Void) {
        self.loop = loop
        self.report = report
    }

    /// - Parameter text: why, with the server's name. The same trouble has the same text.
    func begin(_ source: Source, _ text: String) {
        current.insert(source)
        let now = loop.now
        since = since ?? now
        guard !reported.contains(text), reported.count < Self.reasonsMax,
            reportedAt.map({ $0 + Self.pause <= now }) ?? true
        else { return }
        reported.insert(text)
        reportedAt = now
        report(BackendReport(.warning, text))
    }

    /// - Parameter name: the server's.
    func end(_ source: Source, at name: String) {
        guard current.remove(source) != nil, current.isEmpty, let begin = since.take() else { return }
        // Of a trouble that nobody heard of nobody needs to hear that it is over.
        guard !reported.isEmpty else { return }
        reported = []
        let seconds = (loop.now - begin).components.seconds
        report(BackendReport(.information, "redis \(name): works again, after \(seconds) seconds"))
    }
}
