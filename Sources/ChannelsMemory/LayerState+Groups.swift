import Channels

extension LayerState {
    /// Makes a channel a member of a group, or renews it.
    func groupAdd(
        _ name: ChannelName, to groupName: GroupName, expiry: Duration, now: Instant
    ) throws(ChannelError) -> Attempt<Void> {
        if let queue = queue(of: name) {
            var budget = operationBudget
            guard prepare(queue, now: now, &budget) else { return .again }
        }
        let deadline = now + expiry
        if let member = groups[groupName.rawValue]?.members.find(name.rawValue) {
            if member.deadline > now {
                member.deadline = max(member.deadline, deadline)
                return .done(())
            }
            endLapsed(member, now: now)
        }
        guard expiry > .zero else { return .done(()) }
        try requireGroupsBelowMax(name, now: now)
        let bytesOfGroup = groups[groupName.rawValue] == nil ? MemoryCost.group + groupName.rawValue.utf8.count : 0
        try requireMemory(bytesToMake(name) + bytesOfGroup + MemoryCost.subscription + MemoryCost.membership)
        let queue = makeQueue(of: name, now: now)
        let channel = makeChannel(name, in: queue)
        let group = makeGroup(groupName)
        let subscription = makeSubscription(of: queue, to: group, firstLapse: deadline)
        lastJoinStamp += 1
        let member = Membership(
            channel: channel, subscription: subscription, joinedAfter: sequence, joinStamp: lastJoinStamp,
            deadline: deadline)
        if group.members.isEmpty { populatedGroups += 1 }
        group.members.insert(member)
        channel.memberships.append(member)
        subscription.link(member)
        subscription.memberLapses.insert(member)
        bytes += MemoryCost.membership
        if deadline < subscription.nextLapse {
            subscription.nextLapse = deadline
            group.lapses.update(subscription)
        }
        schedule(group, at: deadline + Self.sweepSlack)
        if !channel.waiters.isEmpty { group.addWaiting(member) }
        if !queue.mailboxWaiters.isEmpty { group.addWaiting(subscription) }
        return .done(())
    }

    /// Ends a membership, if there is one.
    func groupDiscard(_ name: ChannelName, from groupName: GroupName, now: Instant) {
        guard let member = groups[groupName.rawValue]?.members.find(name.rawValue) else { return }
        if member.deadline <= now { endLapsed(member, now: now) } else { end(member, after: sequence, now: now) }
    }

    func groupMembers(
        _ name: GroupName, options: GroupMembersOptions, now: Instant
    ) -> Attempt<GroupMembersPage> {
        guard let group = groups[name.rawValue] else {
            return .done(GroupMembersPage(channels: [], hasMore: false))
        }
        var budget = operationBudget
        guard drainLapses(of: group, now: now, &budget) else { return .again }
        var channels: [ChannelName] = []
        var place = options.after.map { group.members.position(after: $0.rawValue) } ?? group.members.startPosition
        while let member = group.members[place] {
            guard channels.count < options.limit else {
                return .done(GroupMembersPage(channels: channels, hasMore: true))
            }
            channels.append(member.channel.name)
            group.members.advance(&place)
        }
        return .done(GroupMembersPage(channels: channels, hasMore: false))
    }

    /// Removes all members, in O(1): the group is closed. Sweeps clear away what nobody has to read any more.
    func removeGroup(_ name: GroupName, now: Instant) {
        guard let group = groups[name.rawValue] else { return }
        close(group)
        schedule(group, at: now)
    }

    private func close(_ group: Group) {
        group.isClosed = true
        if !group.members.isEmpty { populatedGroups -= 1 }
        groups.remove(group.name.rawValue)
        bytes -= MemoryCost.group + group.name.rawValue.utf8.count
    }

    // MARK: Memberships that end

    /// Ends the group's memberships that lapsed by `now`. False where the budget did not suffice.
    func drainLapses(of group: Group, now: Instant, _ budget: inout Budget) -> Bool {
        while let subscription = group.lapses.first, subscription.nextLapse <= now {
            guard drainLapses(of: subscription, now: now, &budget) else { return false }
        }
        return true
    }

    /// The same for the memberships of one queue.
    func drainLapses(of subscription: Subscription, now: Instant, _ budget: inout Budget) -> Bool {
        guard subscription.nextLapse <= now else { return true }
        while let member = subscription.memberLapses.first, member.heapKey <= now {
            guard !budget.isSpent else { return false }
            budget.spend(4)
            if member.deadline > now {
                member.heapKey = member.deadline  // renewed since
                subscription.memberLapses.update(member)
            } else {
                endLapsed(member, now: now)
            }
        }
        guard subscription.heapIndex >= 0 else { return true }  // it went with its last member
        if let lookAt = subscription.endedLookAt, lookAt <= now {
            guard forgetExpiredEndings(of: subscription, now: now, &budget) else { return false }
            guard subscription.heapIndex >= 0 else { return true }
        }
        let never = now + .seconds(4_000_000_000)
        subscription.nextLapse = min(
            subscription.memberLapses.first?.heapKey ?? never, subscription.endedLookAt ?? never)
        subscription.group.lapses.update(subscription)
        return true
    }

    /// Ends a membership that lapsed: it gets what was sent before its deadline.
    func endLapsed(_ member: Membership, now: Instant) {
        let log = member.subscription.group.log
        let firstMissed = log[log.partition { $0.stored.sentAt < member.deadline }]
        end(member, after: firstMissed.map { $0.stored.number - 1 } ?? sequence, now: now)
    }

    /// Ends a membership. What was sent to it up to `number` stays sent.
    private func end(_ member: Membership, after number: UInt64, now: Instant) {
        let subscription = member.subscription
        let group = subscription.group
        let channel = member.channel
        unlink(member)
        member.endedAfter = number
        let unread =
            group.log.count(after: max(member.joinedAfter, subscription.position), through: number)
            - member.exclusionCount
        if unread > 0 {
            subscription.ended.append(member)
            channel.unreadMembershipCount += 1
            if subscription.endedLookAt == nil, let first = group.logDeadlines.firstDeadline {
                lookAtEndings(of: subscription, at: max(now, first))
            }
        } else {
            forget(member)
            tidy(channel, in: subscription.queue)
        }
        if subscription.isUnused { remove(subscription, now: now) }
    }

    private func lookAtEndings(of subscription: Subscription, at instant: Instant) {
        subscription.endedLookAt = instant
        if instant < subscription.nextLapse {
            subscription.nextLapse = instant
            subscription.group.lapses.update(subscription)
        }
        schedule(subscription.group, at: instant + Self.sweepSlack)
    }

    /// Lets go of ended memberships whose copies have all expired unread.
    private func forgetExpiredEndings(
        of subscription: Subscription, now: Instant, _ budget: inout Budget
    ) -> Bool {
        let group = subscription.group
        guard drainLog(of: group, now: now, &budget) else { return false }
        budget.spend(subscription.ended.count)
        let ended = subscription.ended
        subscription.ended = []
        subscription.endedLookAt = nil
        for member in ended {
            let low = max(member.joinedAfter, subscription.position)
            if group.log.count(after: low, through: member.endedAfter) > member.exclusionCount {
                subscription.ended.append(member)
            } else {
                member.channel.unreadMembershipCount -= 1
                forget(member)
                tidy(member.channel, in: subscription.queue)
            }
        }
        if subscription.isUnused {
            remove(subscription, now: now)
        } else if !subscription.ended.isEmpty, let first = group.logDeadlines.firstDeadline {
            subscription.endedLookAt = max(now + .seconds(1), first)
        }
        return true
    }

    /// Takes a membership out of its group, channel and queue.
    private func unlink(_ member: Membership) {
        let subscription = member.subscription
        let group = subscription.group
        if !group.isClosed, group.flushGeneration == flushGeneration {
            group.members.remove(member.sortKey)
            if group.members.isEmpty { populatedGroups -= 1 }
        }
        group.removeWaiting(member)
        subscription.unlink(member)
        subscription.memberLapses.remove(member)
        if let index = member.channel.memberships.firstIndex(where: { $0 === member }) {
            member.channel.memberships.remove(at: index)
        }
    }

    /// The end of a membership that has nothing to read.
    private func forget(_ member: Membership) {
        member.forgetExclusions(through: .max)
        bytes -= MemoryCost.membership
    }

    // MARK: Making and letting go

    private func makeGroup(_ name: GroupName) -> Group {
        if let group = groups[name.rawValue] { return group }
        let group = Group(name: name, flushGeneration: flushGeneration)
        groups.insert(group, named: name.rawValue)
        bytes += MemoryCost.group + name.rawValue.utf8.count
        return group
    }

    private func makeSubscription(of queue: Queue, to group: Group, firstLapse: Instant) -> Subscription {
        if let subscription = queue.subscriptions[group] { return subscription }
        let subscription = Subscription(queue: queue, group: group, position: sequence, nextLapse: firstLapse)
        queue.subscriptions.append(subscription)
        group.appendSubscription(subscription)
        group.lapses.insert(subscription)
        bytes += MemoryCost.subscription
        return subscription
    }

    /// Lets go of a subscription without members.
    func remove(_ subscription: Subscription, now: Instant) {
        let queue = subscription.queue
        let group = subscription.group
        queue.subscriptions.remove(subscription)
        group.unlinkSubscription(subscription)
        group.lapses.remove(subscription)
        group.removeWaiting(subscription)
        bytes -= MemoryCost.subscription
        queue.lastChange = now
        tidy(queue, now: now)
        if group.firstSubscription == nil { schedule(group, at: now) }
    }

    /// Lets go of a subscription with all its members, unread copies or not. False where the budget did not suffice.
    func drop(_ subscription: Subscription, now: Instant, _ budget: inout Budget) -> Bool {
        while let member = subscription.firstMember {
            guard !budget.isSpent else { return false }
            budget.spend(4)
            unlink(member)
            forget(member)
            tidy(member.channel, in: subscription.queue)
        }
        for member in subscription.ended {
            member.channel.unreadMembershipCount -= 1
            forget(member)
            tidy(member.channel, in: subscription.queue)
        }
        subscription.ended = []
        remove(subscription, now: now)
        return true
    }

    /// - Throws: `tooManyGroups`
    private func requireGroupsBelowMax(_ name: ChannelName, now: Instant) throws(ChannelError) {
        guard let memberships = queue(of: name)?.channel(name)?.memberships,
            memberships.count >= settings.groupsPerChannelMax
        else { return }
        let current = memberships.count { $0.deadline > now && !$0.subscription.group.isClosed }
        guard current >= settings.groupsPerChannelMax else { return }
        throw ChannelError(
            .tooManyGroups, "The channel '\(name)' is in as many groups as it may be. Leave one of them first.",
            limit: settings.groupsPerChannelMax, actual: current)
    }
}
