import Channels
package import HTTPCore

// What backends and the HTTP layer refuse, as problems.

extension Problem {
    /// Any error: what a client may not see becomes 500 `internal`, or has its reason left out, and is told to `report`.
    init(mapping error: any Error, report: (any Error) -> Void) {
        switch error {
        case let problem as Problem:
            self = problem
        case is CancellationError:
            self = .shuttingDown
        case let error as ChannelError:
            if let underlying = error.underlying { report(underlying) }
            self.init(error)
            if type == .internal, error.underlying == nil { report(error) }
        default:
            report(error)
            self = .internal
        }
    }

    /// A backend's refusal. The code is open: one that the API does not know is the backend's own affair, 500.
    init(_ error: ChannelError) {
        if let type = ProblemType(rawValue: error.code.rawValue) {
            self.init(type, error.message, limit: error.limit, actual: error.actual)
        } else {
            self = .internal
        }
    }

    static let `internal` = Problem(
        .internal, "The server could not do this; its log says why, under this answer's X-Request-Id.")

    static let shuttingDown = Problem(
        .shuttingDown, "The server is shutting down; nothing was taken. Try again, or another server.")

    package init(_ rejection: HTTPRejection) {
        switch rejection {
        case .badRequest(let reason):
            self.init(.badRequest, "The request is not HTTP as RFC 9112 has it: \(reason).")
            closesConnection = true
        case .requestTimeout:
            self.init(.requestTimeout, "The request did not arrive in time. Send it without pauses.")
        case .contentTooLarge(let limit, let actual):
            self = .messageTooLarge(limit: limit, actual: actual)
        case .targetTooLong(let limit):
            self.init(
                .targetTooLong,
                "The request target may have up to \(limit) bytes. POST /receive and POST /batch take long lists of names.",
                limit: limit)
        case .unsupportedContentEncoding:
            self.init(.unsupportedContentEncoding, "Send the content without a Content-Encoding.")
            fields = [("Accept-Encoding", "identity")]
        case .expectationFailed:
            self.init(.expectationFailed, "The only expectation known here is 100-continue.")
        case .headTooLarge(let limit):
            self.init(
                .headerTooLarge, "Request line and header fields may have up to \(limit) bytes. Send less of them.",
                limit: limit)
        case .tooManyFieldLines(let limit):
            self.init(
                .headerTooLarge, "A request may have up to \(limit) header fields. Send fewer of them.", limit: limit)
        case .unknownMethod:
            self.init(.notImplemented, "HTTP knows no such method.")
        case .unknownTransferEncoding:
            self.init(.notImplemented, "The only transfer coding known here is chunked.")
        case .versionNotSupported:
            self.init(.versionNotSupported, "Speak HTTP/1.1 or HTTP/1.0.")
        case .overloaded(let reason):
            self.init(
                .backendUnavailable, "The server is at its limit: \(reason). Nothing was stored or taken; try again.")
        case .shuttingDown:
            self = .shuttingDown
        }
    }
}
