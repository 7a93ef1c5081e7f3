import Channels
import Synchronization

/// Does the MUSTs as plainly as they can be done, and leaves everything else to the defaults.
final class ModestBackend: ChannelBackend {
    private struct Waiting {
        let delivery: Delivery
        let deadline: ContinuousClock.Instant
    }

    private struct State {
        var lastNumber: UInt64 = 0
        /// Of all channels, the oldest first.
        var messages: [Waiting] = []
        var groups: [GroupName: [ChannelName: ContinuousClock.Instant]] = [:]
    }

    private let settings: LayerSettings
    private let clock: any ChannelClock
    private let state = Mutex(State())

    init(settings: LayerSettings, clock: any ChannelClock) {
        self.settings = settings
        self.clock = clock
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try state.withLock { state in
            let now = clock.now
            state.messages.removeAll { $0.deadline <= now }
            let pending = state.messages.count { $0.delivery.channel.queue == channel.queue }
            let capacity = settings.capacity(of: channel.queue)
            guard pending < capacity else {
                throw ChannelError.channelFull(channel.queue, capacity: capacity, pending: pending)
            }
            state.lastNumber += 1
            let id = MessageID(epoch: 1, number: state.lastNumber)
            state.messages.append(
                Waiting(
                    delivery: Delivery(id: id, channel: channel, message: message),
                    deadline: now + (options.expiry ?? settings.expiry)))
            return SendReceipt(id: id, pending: nil, capacity: nil)
        }
    }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        state.withLock { state in
            let now = clock.now
            state.messages.removeAll { $0.deadline <= now }
            var taken: [Delivery] = []
            var contentBytes = 0
            while taken.count < options.messagesMax {
                let next = state.messages.firstIndex { waiting in
                    channels.contains { $0 == waiting.delivery.channel || $0 == waiting.delivery.channel.mailbox }
                }
                guard let next else { break }
                contentBytes += state.messages[next].delivery.message.content.count
                guard taken.isEmpty || contentBytes <= options.contentBytesMax else { break }
                taken.append(state.messages.remove(at: next).delivery)
            }
            return taken
        }
    }

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        state.withLock { state in
            let deadline = clock.now + (options.expiry ?? settings.groupExpiry)
            state.groups[group, default: [:]][channel] = max(deadline, state.groups[group]?[channel] ?? deadline)
        }
    }

    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        state.withLock { $0.groups[group]?[channel] = nil }
    }

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        state.withLock { state in
            let now = clock.now
            let members = (state.groups[group] ?? [:]).filter { $0.value > now }.keys.sorted()
            let rest = members.filter { channel in options.after.map { channel > $0 } ?? true }
            return GroupMembersPage(
                channels: Array(rest.prefix(options.limit)), hasMore: rest.count > options.limit)
        }
    }
}
