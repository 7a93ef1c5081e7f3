import Channels

extension LayerState {
    /// What is going on in a channel or mailbox, as settling would leave it.
    func status(of name: ChannelName, now: Instant) -> Attempt<ChannelStatus> {
        let capacity = settings.capacity(of: name.queue)
        guard let queue = queue(of: name) else {
            return .done(
                ChannelStatus(
                    pending: 0, capacity: capacity, waiting: 0, groups: [],
                    counts: name.isInMailbox ? nil : MessageCounts()))
        }
        var budget = operationBudget
        guard prepare(queue, now: now, &budget) else { return .again }
        let settlement = settlement(of: queue)
        var status = ChannelStatus(capacity: queue.capacity)
        if name.isInMailbox {
            let channel = queue.channel(name)
            let accepted = settlement.accepted.filter { $0.membership.channel === channel }
            let oldest = channel?.oldest?.stored ?? accepted.first?.entry.stored
            status.pending = (channel?.count ?? 0) + accepted.count
            status.oldestAge = oldest.map { now - $0.sentAt }
            status.waiting = (channel?.waiters.count ?? 0) + queue.mailboxWaiters.count
            status.groups = groupNames(channel?.memberships ?? [], now: now)
        } else {
            let oldest = queue.oldest?.stored ?? settlement.accepted.first?.entry.stored
            status.pending = queue.pending + settlement.accepted.count
            status.oldestAge = oldest.map { now - $0.sentAt }
            status.waiting = queue.waitingCount
            status.counts = queue.counts
            status.counts?.sent += settlement.accepted.count
            status.counts?.dropped += settlement.dropped
            status.groups =
                queue.isMailbox
                ? groupNames(ofMailbox: queue, now: now)
                : groupNames(queue.channel(name)?.memberships ?? [], now: now)
        }
        return .done(status)
    }

    func stats() -> LayerStats {
        LayerStats(
            counts: totals, pending: pending, groupSends: groupSends, groupCopies: groupCopies, lost: 0,
            channels: channelCount, groups: populatedGroups, waiting: waiting, bytes: bytes,
            bytesMax: settings.memoryBytesMax)
    }

    private func groupNames(_ memberships: [Membership], now: Instant) -> [GroupName] {
        memberships
            .filter { $0.deadline > now && !$0.subscription.group.isClosed }
            .map(\.subscription.group.name)
            .sorted()
    }

    /// The groups in which a channel of the mailbox is: O(members of the mailbox) only where many of them have just lapsed.
    private func groupNames(ofMailbox queue: Queue, now: Instant) -> [GroupName] {
        var names: [GroupName] = []
        for subscription in queue.subscriptions.all where !subscription.group.isClosed {
            var member = subscription.firstMember
            while let candidate = member, candidate.deadline <= now { member = candidate.next }
            if member != nil { names.append(subscription.group.name) }
        }
        return names.sorted()
    }
}
