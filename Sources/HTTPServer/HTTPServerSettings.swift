import Glibc
package import HTTPCore

/// Every limit and time-out of a server, with a safe default.
package struct HTTPServerSettings: Sendable {
    // MARK: Requests

    /// What a head, and the framing of a content, may cost.
    package var limits = HTTPLimits()
    /// From the first byte of a head to its last. Over it: 408. Against clients that send a head byte by byte.
    package var headTimeout: Duration = .seconds(30)
    /// Between two bytes of a content, and the head start that `contentBytesPerSecondMin` gives. Over it: 408.
    package var contentTimeout: Duration = .seconds(30)
    /// What a content must arrive at on average, once `contentTimeout` has passed. Over it: 408.
    package var contentBytesPerSecondMin = 4096
    /// Contents in arrival over all connections, in bytes: what has come of them. One that does not fit into what is left is
    /// 503 before any `100 Continue`; one that had room and loses it to others, later. At least one content of the largest
    /// size should fit.
    package var contentBytesInArrivalMax = 268_435_456
    /// A content of up to so many bytes is not counted in `contentBytesInArrivalMax`.
    package var contentBytesUncounted = 16_384
    /// The content of a refused request is read away, and the connection kept, up to so many bytes.
    package var refusedContentBytesMax = 65_536

    // MARK: Connections

    /// Between two requests. Longer than proxies keep their upstreams idle (nginx 60 s, Caddy 2 min), so that they never
    /// send a request into a connection that just closes.
    package var idleTimeout: Duration = .seconds(150)
    /// Without a byte of an answer going out, as the client does not read it; and the head start that
    /// `answerBytesPerSecondMin` gives.
    package var writeTimeout: Duration = .seconds(30)
    /// What an answer must be read at on average, once `writeTimeout` has passed; else the connection ends.
    package var answerBytesPerSecondMin = 4096
    /// What answers hold that wait for their clients to read them, over all connections, in bytes; a content that several
    /// answers share counts once a loop. Beyond it 503, and messages go back to where they were.
    package var answerBytesInFlightMax = 268_435_456
    /// An answer of up to so many bytes is not counted in `answerBytesInFlightMax`.
    package var answerBytesUncounted = 65_536
    /// Connections at once; one more is told 503 and closed.
    package var connectionsMax = Self.connectionsMaxOfProcess()
    /// Connections above `connectionsMax` that are being told so; beyond that they wait in the backlog.
    package var connectionsRefusedMax = 64
    /// Connections that the kernel completes before they are accepted (the system may allow less).
    package var backlogConnections = 4096
    /// How long accepting pauses when the process, or the system, is out of descriptors.
    package var acceptPause: Duration = .milliseconds(100)
    /// After a refusal, how long and how much of what the client still sends is read away, so that it can read its answer
    /// before the connection ends (RFC 9112 §9.6).
    package var lingerTimeout: Duration = .seconds(2)
    package var lingerBytesMax = 33_554_432

    package init() {}

    // MARK: What they come to

    /// Until when the next byte of a content must come that began at `start`.
    func contentDeadline(
        since start: ContinuousClock.Instant, now: ContinuousClock.Instant, bytesArrived: Int
    ) -> ContinuousClock.Instant {
        let onAverage = start + contentTimeout + .seconds(bytesArrived / max(1, contentBytesPerSecondMin))
        return min(now + contentTimeout, onAverage)
    }

    /// Until when the next byte of an answer must go out that began at `start`.
    func writeDeadline(
        since start: ContinuousClock.Instant, now: ContinuousClock.Instant, bytesWritten: Int
    ) -> ContinuousClock.Instant {
        let onAverage = start + writeTimeout + .seconds(bytesWritten / max(1, answerBytesPerSecondMin))
        return min(now + writeTimeout, onAverage)
    }

    /// What RLIMIT_NOFILE allows, less room for stores, logs and loops.
    private static func connectionsMaxOfProcess() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 512 }
        let descriptors = Int(clamping: limit.rlim_cur)
        return min(1_000_000, max(16, descriptors - max(64, descriptors / 10)))
    }
}
