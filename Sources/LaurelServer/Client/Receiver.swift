import Channels
import Foundation
import HTTPClient

/// Receives one message after the other by long-polls, over and over where it takes more than one.
struct Receiver {
    let client: LaurelClient
    let channels: [String]
    /// Whether a server that is away, or shuts down, is waited for.
    let reconnects: Bool
    let wantsBareMessage: Bool

    /// One long-poll. Proxies give up on an answer after a minute, as nginx does unless told otherwise.
    private static let pollMax = Duration.seconds(50)

    /// The next delivery; nil where none came within `patience`, nil of which is for ever.
    func receive(within patience: Duration?) async throws -> HTTPClientResponse? {
        let end = patience.map { ContinuousClock.now + $0 }
        var backoff = Backoff()
        while true {
            let remaining = end.map { Swift.max(.zero, $0 - .now) } ?? Self.pollMax
            let wait = Swift.min(remaining, Self.pollMax)
            do {
                let response = try await poll(wait)
                backoff = Backoff()
                if response.status == 200 { return response }
            } catch  where reconnects && Self.mayPass(error) {
                try await backoff.pause(error)
            }
            if let end, ContinuousClock.now >= end { return nil }
        }
    }

    /// POST, as no proxy repeats it.
    private func poll(_ wait: Duration) async throws -> HTTPClientResponse {
        struct Content: Encodable {
            let channels: [String]
            let timeout: Double
        }
        let content = try JSONEncoder().encode(
            Content(channels: channels, timeout: (wait / .milliseconds(1)).rounded(.up) / 1000))
        return try await client.call(
            "POST", ["receive"], content: Array(content), contentType: "application/json",
            accept: wantsBareMessage ? "application/octet-stream" : nil, wait: wait)
    }

    /// Whether it may go well later: the server is away or overloaded, or a proxy before it says so.
    private static func mayPass(_ error: any Error) -> Bool {
        switch error {
        case let refusal as ServerRefusal: [429, 502, 503, 504].contains(refusal.status)
        case let failure as HTTPClientError: failure.reason != .invalidURL
        default: false
        }
    }
}

/// Ever longer pauses between attempts, up to 5 s, each at random between its half and its whole, so that many clients of a
/// server that restarts do not come back at the same instant.
private struct Backoff {
    private var pause = Duration.milliseconds(100)
    private var hasToldWhy = false

    mutating func pause(_ error: any Error) async throws {
        if !hasToldWhy { StandardError.tell("\(error) – trying again") }
        hasToldWhy = true
        try await Task.sleep(for: pause * Double.random(in: 0.5...1))
        pause = min(pause * 2, .seconds(5))
    }
}
