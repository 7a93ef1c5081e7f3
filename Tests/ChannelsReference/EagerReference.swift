import Channels

/// The semantics of a layer, written as plainly as they can be: each copy of a group send is put on a list of its queue
/// at once, and judged when the queue settles. Every operation walks everything. The backend must answer the same. An
/// instant is what has passed since the beginning.
struct EagerReference {
    struct Copy: Equatable {
        var number: UInt64
        var stamp: UInt64
        var channel: String
        var group: String?
        var size: Int
        var sentAt: Duration
        var deadline: Duration
        /// Purges before the take of this copy.
        var purges = 0
    }

    struct Member {
        var deadline: Duration
        var stamp: UInt64
    }

    struct Queue {
        var settled: [Copy] = []
        var unsettled: [Copy] = []
        var counts = MessageCounts()
    }

    final class Receiver {
        let names: [String]
        let messagesMax: Int
        let bytesMax: Int
        var taken: [Copy] = []
        var isOver = false

        init(names: [String], messagesMax: Int, bytesMax: Int) {
            self.names = names
            self.messagesMax = messagesMax
            self.bytesMax = bytesMax
        }

        func fits(_ size: Int) -> Bool {
            taken.isEmpty || (taken.count < messagesMax && taken.reduce(size) { $0 + $1.size } <= bytesMax)
        }
    }

    enum SendAnswer: Equatable {
        case accepted(number: UInt64, pending: Int)
        case full(pending: Int)
    }

    let settings: LayerSettings
    var sequence: UInt64 = 0
    var stamp: UInt64 = 0
    var queues: [String: Queue] = [:]
    var groups: [String: [String: Member]] = [:]
    var receivers: [Receiver] = []
    var groupSends = 0
    var groupCopies = 0
    /// For each purge: what it concerned (nil for everything).
    var purges: [String?] = []

    /// Counts of channels up to the last flush, where they were forgotten then.
    private var forgotten = MessageCounts()

    init(settings: LayerSettings) { self.settings = settings }

    static func queueName(_ channel: String) -> String {
        guard let mark = channel.firstIndex(of: "!") else { return channel }
        return String(channel[...mark])
    }

    static func matches(_ name: String, _ channel: String) -> Bool {
        name == channel || (name.hasSuffix("!") && name == queueName(channel))
    }

    func capacity(_ queue: String) -> Int { settings.capacity(of: try! ChannelName(queue)) }

    // MARK: Time

    mutating func move(to now: Duration) {
        for name in queues.keys {
            queues[name]!.unsettled.removeAll { $0.deadline <= now }
            let before = queues[name]!.settled.count
            queues[name]!.settled.removeAll { $0.deadline <= now }
            queues[name]!.counts.expired += before - queues[name]!.settled.count
        }
        for name in groups.keys { groups[name] = groups[name]!.filter { $0.value.deadline > now } }
    }

    mutating func settle(_ name: String) {
        guard var queue = queues[name] else { return }
        for copy in queue.unsettled {
            if queue.settled.count < capacity(name) {
                queue.settled.append(copy)
                queue.counts.sent += 1
            } else {
                queue.counts.dropped += 1
            }
        }
        queue.unsettled = []
        queues[name] = queue
    }

    // MARK: Sending

    mutating func send(_ size: Int, to channel: String, expiry: Duration, now: Duration) -> SendAnswer {
        let name = Self.queueName(channel)
        settle(name)
        var copy = Copy(
            number: sequence + 1, stamp: 0, channel: channel, group: nil, size: size, sentAt: now,
            deadline: now + expiry)
        if let receiver = receivers.first(where: { $0.names.contains { Self.matches($0, channel) } }) {
            sequence += 1
            queues[name, default: Queue()].counts.sent += 1
            queues[name]!.counts.delivered += 1
            copy.purges = purges.count
            receiver.taken = [copy]
            end(receiver)
            return .accepted(number: sequence, pending: 0)
        }
        if expiry == .zero {
            sequence += 1
            queues[name, default: Queue()].counts.sent += 1
            queues[name]!.counts.expired += 1
            return .accepted(number: sequence, pending: queues[name]!.settled.count)
        }
        let pending = queues[name, default: Queue()].settled.count
        guard pending < capacity(name) else {
            queues[name]!.counts.rejected += 1
            return .full(pending: pending)
        }
        sequence += 1
        queues[name, default: Queue()].counts.sent += 1
        queues[name]!.settled.append(copy)
        return .accepted(number: sequence, pending: pending + 1)
    }

    mutating func sendGroup(
        _ size: Int, to group: String, expiry: Duration, excluded: [String], now: Duration
    ) -> (number: UInt64, members: Int) {
        sequence += 1
        groupSends += 1
        let members = (groups[group] ?? [:]).filter { !excluded.contains($0.key) }
        groupCopies += members.count
        var copies = members.sorted { $0.value.stamp < $1.value.stamp }.map { name, member in
            Copy(
                number: sequence, stamp: member.stamp, channel: name, group: group, size: size, sentAt: now,
                deadline: now + expiry)
        }
        for receiver in receivers {
            for copy in copies where receiver.names.contains(where: { Self.matches($0, copy.channel) }) {
                guard receiver.fits(size) else { break }
                var taken = copy
                taken.purges = purges.count
                receiver.taken.append(taken)
                queues[Self.queueName(copy.channel), default: Queue()].counts.sent += 1
                queues[Self.queueName(copy.channel)]!.counts.delivered += 1
                copies.removeAll { $0.channel == copy.channel }
            }
        }
        for receiver in receivers where !receiver.taken.isEmpty { end(receiver) }
        if expiry > .zero {
            for copy in copies { queues[Self.queueName(copy.channel), default: Queue()].unsettled.append(copy) }
        }
        return (sequence, members.count)
    }

    // MARK: Receiving

    mutating func receive(_ names: [String], messagesMax: Int, bytesMax: Int) -> [Copy] {
        for name in Set(names.map(Self.queueName)) { settle(name) }
        var taken: [Copy] = []
        while taken.count < messagesMax {
            let candidates = queues.values.flatMap(\.settled).filter { copy in
                names.contains { Self.matches($0, copy.channel) }
            }
            guard var oldest = candidates.min(by: { ($0.number, $0.stamp) < ($1.number, $1.stamp) }) else { break }
            guard taken.isEmpty || taken.reduce(oldest.size, { $0 + $1.size }) <= bytesMax else { break }
            let name = Self.queueName(oldest.channel)
            queues[name]!.settled.removeAll { $0 == oldest }
            queues[name]!.counts.delivered += 1
            oldest.purges = purges.count
            taken.append(oldest)
        }
        return taken
    }

    /// Parks a receiver for which nothing is there.
    mutating func park(_ receiver: Receiver) { receivers.append(receiver) }

    mutating func end(_ receiver: Receiver) {
        receiver.isOver = true
        receivers.removeAll { $0 === receiver }
    }

    mutating func giveBack(_ copy: Copy, now: Duration) {
        let name = Self.queueName(copy.channel)
        if queues[name, default: Queue()].counts.delivered > 0 {
            queues[name]!.counts.delivered -= 1
        } else {
            queues[name]!.counts.sent += 1
            forgotten.sent -= 1
            forgotten.delivered -= 1
        }
        var restored = copy
        restored.purges = 0
        if purges[copy.purges...].contains(where: { $0 == nil || Self.matches($0!, copy.channel) }) {
            queues[name]!.counts.purged += 1
        } else if copy.deadline <= now {
            queues[name]!.counts.expired += 1
        } else if let receiver = receivers.first(where: { $0.names.contains { Self.matches($0, copy.channel) } }) {
            queues[name]!.counts.delivered += 1
            restored.purges = purges.count
            receiver.taken = [restored]
            end(receiver)
        } else {
            let place = queues[name]!.settled.firstIndex { ($0.number, $0.stamp) > (copy.number, copy.stamp) }
            queues[name]!.settled.insert(restored, at: place ?? queues[name]!.settled.count)
        }
    }

    mutating func purge(_ name: String) {
        purges.append(name)
        let queue = Self.queueName(name)
        settle(queue)
        guard queues[queue] != nil else { return }
        let before = queues[queue]!.settled.count
        queues[queue]!.settled.removeAll { Self.matches(name, $0.channel) }
        queues[queue]!.counts.purged += before - queues[queue]!.settled.count
    }

    mutating func flush() {
        purges.append(nil)
        groups = [:]
        for name in queues.keys {
            queues[name]!.counts.purged += queues[name]!.settled.count
            queues[name]!.settled = []
            queues[name]!.unsettled = []
        }
    }

    /// Of backends whose counts of channels begin anew after a flush. The totals go on.
    mutating func forgetCounts() {
        forgotten = totals
        for name in queues.keys { queues[name]!.counts = MessageCounts() }
    }

    // MARK: Groups

    mutating func groupAdd(_ channel: String, to group: String, expiry: Duration, now: Duration) {
        if let member = groups[group]?[channel] {
            groups[group]![channel]!.deadline = max(member.deadline, now + expiry)
        } else if expiry > .zero {
            stamp += 1
            groups[group, default: [:]][channel] = Member(deadline: now + expiry, stamp: stamp)
        }
    }

    // MARK: Looking

    func status(of name: String, now: Duration) -> ChannelStatus {
        let queueName = Self.queueName(name)
        var copy = self
        copy.settle(queueName)
        let queue = copy.queues[queueName] ?? Queue()
        let own = queue.settled.filter { Self.matches(name, $0.channel) }
        let isMailbox = name == queueName
        return ChannelStatus(
            pending: own.count, capacity: capacity(queueName),
            oldestAge: own.first.map { now - $0.sentAt },
            waiting: receivers.count { receiver in
                receiver.names.contains { isMailbox ? Self.queueName($0) == name : Self.matches($0, name) }
            },
            groups: groups.filter { $0.value.keys.contains { Self.matches(name, $0) } }.keys.sorted()
                .map { try! GroupName($0) },
            counts: isMailbox ? queue.counts : nil)
    }

    var totals: MessageCounts {
        queues.values.reduce(into: forgotten) { sum, queue in
            sum.sent += queue.counts.sent
            sum.delivered += queue.counts.delivered
            sum.expired += queue.counts.expired
            sum.purged += queue.counts.purged
            sum.rejected += queue.counts.rejected
            sum.dropped += queue.counts.dropped
        }
    }

    var pending: Int { queues.values.reduce(0) { $0 + $1.settled.count } }
}
