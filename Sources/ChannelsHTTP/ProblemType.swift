/// What can be wrong: the problem types of the API, each with one status. A type is the path `/problems/` and the raw value.
package enum ProblemType: String, Sendable, CaseIterable {
    case invalidName = "invalid-name"
    case invalidJSON = "invalid-json"
    case invalidParameter = "invalid-parameter"
    case badRequest = "bad-request"
    case unauthorized = "unauthorized"
    case forbidden = "forbidden"
    case originNotAllowed = "origin-not-allowed"
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case requestTimeout = "request-timeout"
    case tooManyGroups = "too-many-groups"
    case messageTooLarge = "message-too-large"
    case targetTooLong = "target-too-long"
    case unsupportedMediaType = "unsupported-media-type"
    case unsupportedContentEncoding = "unsupported-content-encoding"
    case expectationFailed = "expectation-failed"
    case channelFull = "channel-full"
    case rateLimited = "rate-limited"
    case headerTooLarge = "header-too-large"
    case `internal` = "internal"
    case notImplemented = "not-implemented"
    case layerFull = "layer-full"
    case backendUnavailable = "backend-unavailable"
    case outcomeUnknown = "outcome-unknown"
    case shuttingDown = "shutting-down"
    case versionNotSupported = "version-not-supported"

    package var status: Int {
        switch self {
        case .invalidName, .invalidJSON, .invalidParameter, .badRequest: 400
        case .unauthorized: 401
        case .forbidden, .originNotAllowed: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .requestTimeout: 408
        case .tooManyGroups: 409
        case .messageTooLarge: 413
        case .targetTooLong: 414
        case .unsupportedMediaType, .unsupportedContentEncoding: 415
        case .expectationFailed: 417
        case .channelFull, .rateLimited: 429
        case .headerTooLarge: 431
        case .internal: 500
        case .notImplemented: 501
        case .layerFull, .backendUnavailable, .outcomeUnknown, .shuttingDown: 503
        case .versionNotSupported: 505
        }
    }

    /// The same for each occurrence (RFC 9457 §3.1.4).
    package var title: String {
        switch self {
        case .invalidName: "Not a valid name"
        case .invalidJSON: "Not valid JSON"
        case .invalidParameter: "Not a valid parameter"
        case .badRequest: "Not a valid HTTP request"
        case .unauthorized: "Not authenticated"
        case .forbidden: "Not allowed"
        case .originNotAllowed: "Origin not allowed"
        case .notFound: "Not found"
        case .methodNotAllowed: "Method not allowed here"
        case .notAcceptable: "Cannot answer in this form"
        case .requestTimeout: "Request took too long"
        case .tooManyGroups: "Channel is in too many groups"
        case .messageTooLarge: "Message too large"
        case .targetTooLong: "Request target too long"
        case .unsupportedMediaType: "Content type not supported here"
        case .unsupportedContentEncoding: "Content encoding not supported"
        case .expectationFailed: "Expectation not supported"
        case .channelFull: "Channel full"
        case .rateLimited: "Too many requests"
        case .headerTooLarge: "Request header too large"
        case .internal: "Internal error"
        case .notImplemented: "Not implemented"
        case .layerFull: "Layer full, nothing was stored"
        case .backendUnavailable: "Not available, nothing was stored"
        case .outcomeUnknown: "Outcome unknown"
        case .shuttingDown: "Shutting down"
        case .versionNotSupported: "HTTP version not supported"
        }
    }

    /// When to try again, where that may help and does no harm; after an unknown outcome it might send twice.
    package var retryAfterSeconds: Int? {
        switch self {
        case .channelFull, .rateLimited, .layerFull, .backendUnavailable, .shuttingDown: 1
        default: nil
        }
    }
}
