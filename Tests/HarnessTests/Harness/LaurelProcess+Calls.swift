import Foundation
import HTTPClient
import Testing

extension LaurelProcess {
    /// One request; `target` begins with a slash and is sent as it stands.
    @discardableResult
    func call(
        _ method: String, _ target: String, _ content: String? = nil, fields: [(name: String, value: String)] = [],
        timeout: Duration = .seconds(60)
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(method, url + target)
        request.content = content.map { Array($0.utf8) }
        request.fields = fields
        request.timeout = timeout
        return try await client.send(request)
    }

    /// Sends a JSON message, and expects that it is accepted.
    @discardableResult
    func send(_ message: String, to channel: String, expiry: String? = nil) async throws -> SendAnswer {
        let query = expiry.map { "?expiry=\($0)" } ?? ""
        let response = try await call("POST", "/channels/\(channel)\(query)", message)
        try #require(response.status == 202, "\(response.text)")
        return try response.decoded()
    }

    /// Receives at once, or within `timeout` seconds; nil where nothing arrived.
    func receive(_ channels: String, timeout: Int = 0) async throws -> Delivery? {
        let response = try await call("GET", "/receive?channels=\(channels)&timeout=\(timeout)")
        if response.status == 204 { return nil }
        try #require(response.status == 200, "\(response.text)")
        return try response.decoded()
    }

    func status(of channel: String) async throws -> ChannelStatus {
        try await call("GET", "/channels/\(channel)").decoded()
    }

    /// Asks until so many receivers wait on the channel.
    func waitUntilParked(_ count: Int, on channel: String) async throws {
        try await eventually("\(count) receivers wait on \(channel)") {
            try await status(of: channel).waiting == count
        }
    }

    /// Asks until `holds` says so, for half a minute at most: each time a request answers, so it does not spin.
    func eventually(_ what: String, _ holds: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try await !holds() {
            try #require(ContinuousClock.now < end, "not in time: \(what)")
        }
    }
}

extension HTTPClientResponse {
    func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(content))
        } catch {
            Issue.record("status \(status): \(text)")
            throw error
        }
    }

    /// The slug of the problem's type; nil where the response is none.
    var problem: String? {
        guard self["Content-Type"] == "application/problem+json" else { return nil }
        return (try? JSONDecoder().decode(Problem.self, from: Data(content)))?.type
            .replacingOccurrences(of: "/problems/", with: "")
    }
}

struct SendAnswer: Decodable {
    let id: String
    let pending: Int?
    let capacity: Int?
    let members: Int?
}

struct Delivery: Decodable {
    let channel: String
    let id: String
    let message: JSONText
    let group: String?
    let contentType: String?
    let encoding: String?
}

struct ChannelStatus: Decodable {
    let channel: String
    let pending: Int
    let capacity: Int
    let waiting: Int
    let groups: [String]
    let sent: Int?
    let delivered: Int?
}

struct Members: Decodable {
    let group: String
    let channels: [String]
    let next: String?
}

struct Problem: Decodable {
    let type: String
    let title: String
    let status: Int
    let detail: String?
    let limit: Int?
    let actual: Int?
}

/// A message in tests is a string or a whole number; both compare as text.
struct JSONText: Decodable, Equatable, ExpressibleByStringLiteral, CustomStringConvertible {
    let description: String

    init(stringLiteral value: String) { description = value }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            description = text
        } else {
            description = String(try container.decode(Int.self))
        }
    }
}
