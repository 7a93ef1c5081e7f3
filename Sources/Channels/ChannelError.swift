/// Why a backend refused, in words that a client may read.
///
/// The code is open: a backend that somebody wrote may add its own; the API answers those with status 500.
public struct ChannelError: Error, Sendable {
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A name that is empty, too long or not printable ASCII. 400
        public static let invalidName = Code(rawValue: "invalid-name")
        /// An option out of its range. 400
        public static let invalidParameter = Code(rawValue: "invalid-parameter")
        /// The channel is in as many groups as it may be. 409
        public static let tooManyGroups = Code(rawValue: "too-many-groups")
        /// The message is over the backend's own size limit. 413
        public static let messageTooLarge = Code(rawValue: "message-too-large")
        /// The queue holds as many unexpired messages as it may. 429
        public static let channelFull = Code(rawValue: "channel-full")
        /// The layer is over its memory limit; nothing was stored. 503
        public static let layerFull = Code(rawValue: "layer-full")
        /// The store is out of reach; nothing was stored. 503
        public static let backendUnavailable = Code(rawValue: "backend-unavailable")
        /// The store went away in the middle: what was asked may have been done, or not. 503
        public static let outcomeUnknown = Code(rawValue: "outcome-unknown")
        /// The backend cannot do this. 501
        public static let notImplemented = Code(rawValue: "not-implemented")
    }

    public var code: Code
    /// One or two sentences for the client: what is wrong, and what to change. No payloads, no secrets.
    public var message: String
    /// The limit that was met, and what was found, where there are such numbers.
    public var limit: Int?
    public var actual: Int?
    /// For the log only; no client sees it.
    public var underlying: (any Error)?

    public init(
        _ code: Code, _ message: String, limit: Int? = nil, actual: Int? = nil, underlying: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.limit = limit
        self.actual = actual
        self.underlying = underlying
    }
}

extension ChannelError {
    static func invalidName(kind: String, reason: String, limit: Int?, actual: Int?) -> ChannelError {
        ChannelError(
            .invalidName,
            "A \(kind) name is 1 to 200 printable ASCII characters (0x20 to 0x7E): \(reason).",
            limit: limit, actual: actual)
    }

    public static func channelFull(_ queue: ChannelName, capacity: Int, pending: Int) -> ChannelError {
        ChannelError(
            .channelFull,
            "The queue '\(queue)' is full. Receive from it, wait for messages to expire, or raise its capacity.",
            limit: capacity, actual: pending)
    }

    public static func notImplemented(_ operation: String) -> ChannelError {
        ChannelError(.notImplemented, "This layer's backend cannot \(operation).")
    }
}
