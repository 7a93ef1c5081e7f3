import ChannelsTesting
import Testing

@testable import Channels

/// A store that cannot wait, served as one that can, on a clock that the test moves: what tests of that say and ask.
protocol PollerWords: Sendable {
    var clock: ManualClock { get }
    var store: ScriptedBackend { get }
    /// `store` as it is served.
    var backend: any WaitingChannelBackend { get }
}

extension PollerWords {
    func receive(
        _ channels: String..., max: Int = 1, bytes: Int = .max, for limit: Duration = .seconds(60)
    ) -> Task<[Delivery], any Error> {
        receive(channels, max: max, bytes: bytes, for: limit)
    }

    func receive(
        _ channels: [String], max: Int = 1, bytes: Int = .max, for limit: Duration = .seconds(60)
    ) -> Task<[Delivery], any Error> {
        let deadline = clock.now + limit
        return Task { [backend] in
            try await backend.receiveManyBlocking(
                channels.map { try ChannelName($0) },
                options: ReceiveOptions(messagesMax: max, contentBytesMax: bytes), until: deadline)
        }
    }

    func send(_ text: String, to channel: String) async throws -> SendReceipt {
        try await backend.send(message(text), to: ChannelName(channel), options: SendOptions())
    }

    func message(_ text: String) -> Message { Message(content: Array(text.utf8)) }

    func waiting(_ count: Int) async throws {
        while try await backend.stats().waiting != count { try await yield() }
    }

    /// Comes back once the store has been asked so often, and the poller sleeps.
    func lookedFor(_ count: Int) async throws {
        while store.receives.count < count { try await yield() }
        try await idle()
    }

    func held(_ count: Int) async throws {
        while store.heldCount < count { try await yield() }
    }

    /// Comes back once the poller sleeps, or nobody waits.
    func idle() async throws {
        let poller = try #require(backend as? PolledBackend).poller
        while !poller.isAsleep, poller.waitingCount > 0 { try await yield() }
    }

    /// Gives way, unless the test is over.
    func yield() async throws {
        try Task.checkCancellation()
        await Task.yield()
    }

    /// Lets time pass, and what that brings about happen.
    func pass(_ duration: Duration) async throws {
        clock.advance(by: duration)
        try await idle()
    }
}

extension Task where Failure == any Error {
    /// What it comes to; a test that is over ends it.
    var answer: Success {
        get async throws {
            try await withTaskCancellationHandler {
                try await value
            } onCancel: {
                cancel()
            }
        }
    }
}

extension Delivery {
    var text: String { String(decoding: message.content, as: UTF8.self) }
}
