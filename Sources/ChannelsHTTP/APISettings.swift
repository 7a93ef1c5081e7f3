package import Channels

/// The settings of the API, over all layers.
package struct APISettings: Sendable {
    /// The limit for the content of any request, in bytes. Not below ``messageBytesMaxLeast``.
    package var messageBytesMax: Int = 16 << 20
    /// The longest that a receive waits; more is cut to it.
    package var waitMax: Duration = .seconds(300)
    /// The origins besides its own host from which browsers may call, exact, or `*` for all.
    package var corsOrigins: [String] = []
    /// What `GET /` says.
    package var version: String
    /// What `GET /openapi.yaml` answers.
    package var openAPIDocument: [UInt8] = []
    /// Tells the uptime.
    package var clock: any ChannelClock
    /// Told of errors whose reason no client may see, with the request's id where it is known. Never holds a payload.
    package var reportError: @Sendable (_ error: any Error, _ requestID: String?) -> Void

    /// A backend must store messages of at least 5 MB.
    package static let messageBytesMaxLeast = 5_000_000

    package init(
        version: String, clock: any ChannelClock,
        reportError: @escaping @Sendable (_ error: any Error, _ requestID: String?) -> Void = { _, _ in }
    ) {
        self.version = version
        self.clock = clock
        self.reportError = reportError
    }
}
