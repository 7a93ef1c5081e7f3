import Foundation
import HTTPClient

/// Speaks the HTTP contract to one layer of a server.
struct LaurelClient: Sendable {
    private let client = HTTPClient()
    let address: ServerAddress
    let layer: String

    /// For everything that does not wait: the server answers within two seconds.
    private static let timeout = Duration.seconds(30)

    /// One call. `path` are its segments, not yet percent-encoded.
    ///
    /// - Parameter wait: How long the server may take on top, for a long-poll.
    /// - Throws: ``ServerRefusal`` for a status of 400 and above; `HTTPClientError` where there was no answer.
    func call(
        _ method: String, _ path: [String], query: [(name: String, value: String)] = [],
        content: [UInt8]? = nil, contentType: String? = nil, accept: String? = nil, wait: Duration = .zero
    ) async throws -> HTTPClientResponse {
        let segments = (layer == "default" ? [] : ["layers", layer]) + path
        var url = address.baseURL + segments.map { "/" + Self.percentEncoded($0) }.joined()
        if !query.isEmpty {
            url += "?" + query.map { "\($0.name)=\(Self.percentEncoded($0.value))" }.joined(separator: "&")
        }
        var request = HTTPClientRequest(method, url)
        request.unixSocketPath = address.unixSocketPath
        request.content = content
        request.timeout = Self.timeout + wait
        request.fields = [("User-Agent", "laurel/\(Laurel.version)")]
        if let contentType { request.fields.append(("Content-Type", contentType)) }
        if let accept { request.fields.append(("Accept", accept)) }
        let response = try await client.send(request)
        guard response.status < 400 else { throw ServerRefusal(response) }
        return response
    }

    /// Everything but RFC 3986's unreserved characters, and the dots of a segment that is nothing else: a proxy would take
    /// `.` and `..` for steps in a path.
    static func percentEncoded(_ text: String) -> String {
        let keepsDots = text.contains { $0 != "." }
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ".") where keepsDots:
                encoded += "."
            default:
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}

/// The server answered, and the answer was no.
struct ServerRefusal: Error, CustomStringConvertible {
    let status: Int
    let description: String

    init(_ response: HTTPClientResponse) {
        status = response.status
        let problem = try? JSONDecoder().decode(Problem.self, from: Data(response.content))
        description =
            [problem?.title ?? "The server answered with status \(response.status).", problem?.detail]
            .compactMap { $0 }.joined(separator: ": ")
    }

    /// What people read of problem details (RFC 9457).
    private struct Problem: Decodable {
        let title: String?
        let detail: String?
    }
}
