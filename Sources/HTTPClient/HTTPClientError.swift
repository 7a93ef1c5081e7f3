import CCurl

/// Why there is no response.
package struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    package enum Reason: Sendable {
        case invalidURL
        case cannotConnect
        case timedOut
        /// The server closed or reset the connection before the response was complete.
        case connectionLost
        case other
    }

    package let reason: Reason
    /// libcurl's words.
    package let description: String

    /// `detail` is what libcurl wrote into the transfer's error buffer; empty where it had nothing to add.
    init(_ code: CURLcode, detail: String = "") {
        reason =
            switch code {
            case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidURL
            case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: .cannotConnect
            case CURLE_OPERATION_TIMEDOUT: .timedOut
            case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE: .connectionLost
            default: .other
            }
        description = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
    }
}
