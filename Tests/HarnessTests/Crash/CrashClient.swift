import HTTPClient

@testable import ChannelsReference

/// One client of the workload: asks for one thing after the other, each by chance, and has it all written down.
struct CrashClient {
    enum Role {
        case sender
        case groupSender
        case receiver([String])
        /// Hangs up in the middle of long-polls.
        case leaver([String])
        /// Joins groups with its channel, leaves them, looks, and sometimes receives. The only one that does so for this channel.
        case owner(String)
    }

    static let groups = ["g", "h"]
    static let ownedChannels = ["own1", "own2", "post!own3", "post!own4"]
    static let narrowChannel = (name: "narrow", capacity: 5)
    static let channels = ["plain", "busy", narrowChannel.name, "box!a", "box!b"] + ownedChannels

    /// All that take part in a round.
    static let roles: [Role] =
        [.sender, .sender, .sender, .sender, .groupSender, .groupSender]
        + [
            .receiver(["plain"]), .receiver(["busy", "narrow"]), .receiver(["busy", "box!"]), .receiver(["box!a"]),
            .receiver(["own1", "own2"]), .receiver(["post!"]), .leaver(["plain", "post!own3"]),
        ] + ownedChannels.map { .owner($0) }

    /// The smallest content, one of a few pages, and one that takes many.
    private static let paddings = [0, 0, 0, 0, 0, 0, 0, 3000, 3000, 60_000]

    let role: Role
    /// No other client of the run has it.
    let name: String
    let server: LaurelProcess
    let recorder: Recorder
    var random: SplitMix
    private var sentCount = 0

    init(_ role: Role, name: String, server: LaurelProcess, recorder: Recorder, seed: UInt64) {
        self.role = role
        self.name = name
        self.server = server
        self.recorder = recorder
        random = SplitMix(state: seed)
    }

    /// Asks until the round is over or the server is gone.
    mutating func run() async {
        while !recorder.isOver, await step() != nil {}
    }

    /// Nil where no answer came.
    private mutating func step() async -> History.Outcome? {
        switch role {
        case .sender: await send(to: one(of: Self.channels))
        case .groupSender: await sendGroup(to: one(of: Self.groups))
        case .receiver(let names):
            await receive(names, timeout: one(of: [0, 0, 1]), max: one(of: [nil, 1, 3, 20]))
        case .leaver(let names): await receiveAndHangUp(names)
        case .owner(let channel):
            switch random.below(8) {
            case 0...2: await join(History.Membership(channel: channel, group: one(of: Self.groups)))
            case 3, 4: await leave(History.Membership(channel: channel, group: one(of: Self.groups)))
            case 5: await look(.channel(channel))
            case 6: await look(.group(one(of: Self.groups)))
            default: await receive([channel], timeout: 0, max: 2)
            }
        }
    }

    private mutating func one<Value>(of values: [Value]) -> Value { values[random.below(values.count)] }

    private mutating func nextMessage(padding: Int? = nil) -> String {
        sentCount += 1
        return NamedContent.name("\(name)-\(sentCount)", padding: padding ?? one(of: Self.paddings))
    }

    // MARK: Requests

    /// `padding`: bytes of content beside the name; by chance where it is nil.
    mutating func send(to channel: String, padding: Int? = nil) async -> History.Outcome? {
        let message = nextMessage(padding: padding)
        let recorder = recorder
        return await ask(.send(message, to: channel), "POST", "/channels/\(channel)", NamedContent.json(for: message)) {
            let answer: SendAnswer = try $0.decoded()
            // More may wait only where some went back.
            if channel == Self.narrowChannel.name, let pending = answer.pending,
                pending > Self.narrowChannel.capacity
            {
                recorder.note(surprise: "accepted as the \(pending)th in '\(channel)'")
            }
            return .accepted(History.MessageID(answer.id))
        }
    }

    private mutating func sendGroup(to group: String) async -> History.Outcome? {
        let message = nextMessage()
        let excluded = random.chance(1, in: 4) ? one(of: Self.ownedChannels) : nil
        let action = History.Action.sendGroup(message, to: group, excluded: Set([excluded].compactMap { $0 }))
        let target = "/groups/\(group)" + (excluded.map { "?exclude=\($0)" } ?? "")
        return await ask(action, "POST", target, NamedContent.json(for: message)) {
            let answer: SendAnswer = try $0.decoded()
            return .accepted(History.MessageID(answer.id), members: answer.members)
        }
    }

    /// `max` nil: a single delivery.
    @discardableResult
    func receive(_ names: [String], timeout: Int, max: Int?) async -> History.Outcome? {
        await recorder.record(.receive(Set(names), max: max ?? 1)) { [self] in
            await receiveUnrecorded(names, timeout: timeout, max: max)
        }
    }

    private func receiveUnrecorded(_ names: [String], timeout: Int, max: Int?) async -> History.Outcome? {
        let list = max.map { "&max=\($0)" } ?? ""
        return await outcome("GET", "/receive?channels=\(names.joined(separator: ","))&timeout=\(timeout)\(list)") {
            if $0.status == 204 { return .delivered([]) }
            let deliveries = max == nil ? [try $0.decoded()] : try $0.decoded(as: DeliveryList.self).messages
            return .delivered(
                deliveries.map {
                    History.Taken(
                        name: NamedContent.name(in: $0.message.description), channel: $0.channel, group: $0.group,
                        id: History.MessageID($0.id))
                })
        }
    }

    /// The end of a few other requests says when to hang up.
    private mutating func receiveAndHangUp(_ names: [String]) async -> History.Outcome? {
        let others = random.below(4)
        return await recorder.record(.receive(Set(names), max: 3)) { [self] in
            await withTaskGroup(of: History.Outcome?.self) { group in
                group.addTask {
                    let outcome = await receiveUnrecorded(names, timeout: 1, max: 3)
                    return outcome ?? (Task.isCancelled ? .abandoned : nil)
                }
                for _ in 0..<others { _ = try? await server.call("GET", "/channels/plain") }
                group.cancelAll()
                return await group.next() ?? nil
            }
        }
    }

    private func join(_ membership: History.Membership) async -> History.Outcome? {
        await ask(.join(membership), "PUT", "/groups/\(membership.group)/\(membership.channel)") { _ in .done }
    }

    private func leave(_ membership: History.Membership) async -> History.Outcome? {
        await ask(.leave(membership), "DELETE", "/groups/\(membership.group)/\(membership.channel)") { _ in .done }
    }

    @discardableResult
    func look(_ scope: History.Scope) async -> History.Outcome? {
        switch scope {
        case .group(let group):
            await ask(.look(scope), "GET", "/groups/\(group)?limit=1000") {
                let members: Members = try $0.decoded()
                return .members(Set(members.channels.map { History.Membership(channel: $0, group: group) }))
            }
        case .channel(let channel):
            await ask(.look(scope), "GET", "/channels/\(channel)") {
                let status: ChannelStatus = try $0.decoded()
                return .members(Set(status.groups.map { History.Membership(channel: channel, group: $0) }))
            }
        }
    }

    // MARK: Answers

    private func ask(
        _ action: History.Action, _ method: String, _ target: String, _ content: String? = nil,
        _ success: (HTTPClientResponse) throws -> History.Outcome
    ) async -> History.Outcome? {
        await recorder.record(action) { await outcome(method, target, content, success) }
    }

    /// What an answer says, by the contract; nil where none came.
    private func outcome(
        _ method: String, _ target: String, _ content: String? = nil,
        _ success: (HTTPClientResponse) throws -> History.Outcome
    ) async -> History.Outcome? {
        do {
            let response = try await server.call(method, target, content)
            switch (response.status, response.problem) {
            case (200..<300, _): return try success(response)
            case (503, "outcome-unknown"): return .open
            case (503, "backend-unavailable"), (503, "shutting-down"), (429, "channel-full"): return .refused
            default: recorder.note(surprise: "\(method) \(target): \(response.status) \(response.text)")
            }
            return .open
        } catch let error as HTTPClientError where error.reason != .timedOut {
            return nil
        } catch is CancellationError {
            return nil
        } catch {
            recorder.note(surprise: "\(method) \(target): \(error)")
            return .open
        }
    }
}

private struct DeliveryList: Decodable {
    let messages: [Delivery]
}
