import Channels
import Synchronization

/// A backend with the MUSTs alone, that does what the test tells it: it fails, or a receive does not return before the test
/// lets it. It tries names in the order in which they are given.
final class ScriptedBackend: ChannelBackend {
    fileprivate struct State {
        var lastNumber: UInt64 = 0
        var messages: [ChannelName: [Delivery]] = [:]
        var groups: [GroupName: Set<ChannelName>] = [:]
        var receives: [[ChannelName]] = []
        var sends: [(channel: ChannelName, options: SendOptions)] = []
        var failure: (any Error)?
        var failingReceives: Set<ChannelName> = []
        var full: Set<ChannelName> = []
        var failing: [ChannelName: ChannelError] = [:]
        var receiveGate = Gate()
        var sendGate = Gate()
    }

    /// Where calls stop that the test holds.
    fileprivate struct Gate {
        var isClosed = false
        /// Calls that it lets through before it is closed.
        var passes = 0
        var held: [CheckedContinuation<Void, Never>] = []
    }

    let traits: BackendTraits
    private let state = Mutex(State())

    init(traits: BackendTraits = BackendTraits(neverBlocks: true)) { self.traits = traits }

    // MARK: The test's side

    /// The names of each receive so far.
    var receives: [[ChannelName]] { state.withLock(\.receives) }
    var sends: [(channel: ChannelName, options: SendOptions)] { state.withLock(\.sends) }
    /// Receives that have been begun and are held.
    var heldCount: Int { state.withLock(\.receiveGate.held.count) }
    /// Sends that are held.
    var heldSendsCount: Int { state.withLock(\.sendGate.held.count) }

    /// From now on all receives fail so; nil: they work.
    func fail(_ error: (any Error)?) { state.withLock { $0.failure = error } }
    /// From now on all receives fail that name `channel`.
    func failReceives(on channel: String) throws {
        let channel = try ChannelName(channel)
        state.withLock { _ = $0.failingReceives.insert(channel) }
    }
    func refuseSends(to channel: String, _ error: ChannelError) throws {
        let channel = try ChannelName(channel)
        state.withLock { $0.failing[channel] = error }
    }
    func fill(_ channel: String) throws {
        let channel = try ChannelName(channel)
        state.withLock { _ = $0.full.insert(channel) }
    }

    /// From now on receives, but for the next few, take at once what they take, but do not return before `letGo`.
    func holdReceives(afterNext passes: Int = 0) {
        state.withLock { $0.receiveGate = Gate(isClosed: true, passes: passes, held: $0.receiveGate.held) }
    }
    /// From now on sends store at once what they store, but do not return before `letGo`.
    func holdSends() { state.withLock { $0.sendGate.isClosed = true } }
    func letGo() {
        let held = state.withLock { state in
            defer { (state.receiveGate, state.sendGate) = (Gate(), Gate()) }
            return state.receiveGate.held + state.sendGate.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Puts a message there as another process would.
    @discardableResult
    func put(_ text: String, into channel: String) throws -> MessageID {
        put(Message(content: Array(text.utf8)), into: try ChannelName(channel))
    }

    func texts(in channel: String) throws -> [String] {
        let channel = try ChannelName(channel)
        return state.withLock { $0.messages[channel] ?? [] }.map { String(decoding: $0.message.content, as: UTF8.self) }
    }

    // MARK: The backend's side

    private func put(_ message: Message, into channel: ChannelName) -> MessageID {
        state.withLock { state in
            state.lastNumber += 1
            let id = MessageID(epoch: 1, number: state.lastNumber)
            state.messages[channel, default: []].append(Delivery(id: id, channel: channel, message: message))
            return id
        }
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try state.withLock { state in
            if let error = state.failing[channel] { throw error }
            if state.full.contains(channel) { throw ChannelError.channelFull(channel, capacity: 1, pending: 1) }
            state.sends.append((channel, options))
        }
        let id = put(message, into: channel)
        await pass(\.sendGate)
        return SendReceipt(id: id, pending: nil, capacity: nil)
    }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        let taken = try state.withLock { state in
            state.receives.append(channels)
            if let failure = state.failure { throw failure }
            if !state.failingReceives.isDisjoint(with: channels) { throw ChannelError(.backendUnavailable, "down") }
            return state.take(channels, options: options)
        }
        await pass(\.receiveGate)
        return taken
    }

    /// Stops where the gate is closed, until it is opened.
    private func pass(_ gate: WritableKeyPath<State, Gate>) async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                guard state[keyPath: gate].isClosed else { return false }
                guard state[keyPath: gate].passes == 0 else {
                    state[keyPath: gate].passes -= 1
                    return false
                }
                state[keyPath: gate].held.append(continuation)
                return true
            }
            if !isClosed { continuation.resume() }
        }
    }

    func giveBack(_ deliveries: [Delivery]) async -> Int {
        state.withLock { state in
            for delivery in deliveries.reversed() {
                state.messages[delivery.channel, default: []].insert(delivery, at: 0)
            }
        }
        return 0
    }

    func stats() async throws -> LayerStats { LayerStats(lost: 0) }

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        state.withLock { _ = $0.groups[group, default: []].insert(channel) }
    }

    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        state.withLock { _ = $0.groups[group]?.remove(channel) }
    }

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        let rest = state.withLock { $0.groups[group] ?? [] }.sorted().filter { name in
            options.after.map { name > $0 } ?? true
        }
        return GroupMembersPage(channels: Array(rest.prefix(options.limit)), hasMore: rest.count > options.limit)
    }
}

extension ScriptedBackend.State {
    /// From the first name, in the order given, in which there is anything.
    fileprivate mutating func take(_ names: [ChannelName], options: ReceiveOptions) -> [Delivery] {
        var taken: [Delivery] = []
        for name in names {
            let channels = name.isMailbox ? messages.keys.filter { $0.mailbox == name }.sorted() : [name]
            for channel in channels {
                while taken.count < options.messagesMax, let next = messages[channel]?.first {
                    let bytes = (taken + [next]).reduce(0) { $0 + $1.message.content.count }
                    guard taken.isEmpty || bytes <= options.contentBytesMax else { return taken }
                    taken.append(next)
                    messages[channel]?.removeFirst()
                }
            }
        }
        return taken
    }
}
