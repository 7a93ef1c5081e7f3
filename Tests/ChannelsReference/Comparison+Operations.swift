import Channels

// Each does one operation on both sides, compares the answers, and tells what it was.

extension Comparison {
    // MARK: Messages

    mutating func send() -> String {
        let (channel, size, expiry) = (arguments.channel(), arguments.below(40), arguments.expiry())
        var answer: EagerReference.SendAnswer
        do throws(ChannelError) {
            let sent = try layer.send(
                message(ofBytes: size), to: try! ChannelName(channel), options: SendOptions(expiry: expiry))
            answer = .accepted(number: sent.number, pending: sent.pending)
        } catch {
            check(error.code, .channelFull, "refusal")
            answer = .full(pending: error.actual ?? -1)
        }
        check(answer, reference.send(size, to: channel, expiry: expiry, now: now), "answer")
        return "send \(size) bytes to \(channel) for \(expiry)"
    }

    mutating func sendGroup() -> String {
        let (group, size, expiry) = (arguments.group(), arguments.below(40), arguments.expiry())
        let excluded = arguments.chance(1, in: 3) ? [arguments.channel(), arguments.channel()] : []
        let answer = layer.sendGroup(
            message(ofBytes: size), to: try! GroupName(group),
            options: GroupSendOptions(expiry: expiry, excluded: excluded.map { try! ChannelName($0) }))
        let expected = reference.sendGroup(size, to: group, expiry: expiry, excluded: excluded, now: now)
        check(answer.number, expected.number, "number")
        if layer.mayCountLapsed, answer.members > expected.members {
            reference.groupCopies += answer.members - expected.members
        } else {
            check(answer.members, expected.members, "members")
        }
        return "sendGroup \(size) bytes to \(group) for \(expiry) without \(excluded)"
    }

    mutating func receive() -> String {
        let (names, options) = arguments.receive()
        compare(
            layer.receive(names.map { try! ChannelName($0) }, options: options),
            reference.receive(names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax))
        return "receive on \(names), \(options.messagesMax) messages, \(options.contentBytesMax) bytes"
    }

    mutating func giveBack() -> String {
        guard !taken.isEmpty else { return "nothing to give back" }
        let returned = (0..<min(taken.count, 1 + arguments.below(3))).map { _ in
            taken.remove(at: arguments.below(taken.count))
        }
        layer.giveBack(returned.map(\.delivery))
        for copy in returned.map(\.copy) { reference.giveBack(copy, now: now) }
        return "giveBack of " + returned.map { "\($0.copy.number) to \($0.copy.channel)" }.joined(separator: ", ")
    }

    mutating func purge() -> String {
        let name = arguments.channel()
        layer.purge(try! ChannelName(name))
        reference.purge(name)
        return "purge of \(name)"
    }

    mutating func flush() -> String {
        layer.flush()
        reference.flush()
        if !layer.keepsCountsOverFlush { reference.forgetCounts() }
        return "flush"
    }

    private func message(ofBytes size: Int) -> Message { Message(content: Array(repeating: 0, count: size)) }

    // MARK: Waits

    mutating func wait() -> String {
        guard layer.canWait else { return receive() }
        let (names, options) = arguments.receive()
        let (deliveries, wait) = layer.receiveOrWait(names.map { try! ChannelName($0) }, options: options)
        compare(
            deliveries,
            reference.receive(names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax))
        check(wait == nil, !deliveries.isEmpty, "no wait")
        if let wait, difference == nil {
            let receiver = EagerReference.Receiver(
                names: names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax)
            reference.park(receiver)
            waiters.append((wait, receiver))
        }
        return "wait on \(names), \(options.messagesMax) messages, \(options.contentBytesMax) bytes"
    }

    mutating func endWait() -> String {
        guard !waiters.isEmpty else { return "no wait to end" }
        let (wait, receiver) = waiters.remove(at: arguments.below(waiters.count))
        end(wait, of: receiver)
        return "end of a wait on \(receiver.names)"
    }

    mutating func endWaits() {
        for (wait, receiver) in waiters { end(wait, of: receiver) }
        waiters = []
    }

    private mutating func end(_ wait: Layer.Wait, of receiver: EagerReference.Receiver) {
        layer.end(wait)
        check(layer.isOver(wait), true, "end of the wait on \(receiver.names) that was ended")
        check(layer.deliveries(of: wait).count, 0, "deliveries of a wait that was ended")
        reference.end(receiver)
    }

    // MARK: Groups

    mutating func groupAdd() -> String {
        let (channel, group) = (arguments.channel(), arguments.group())
        let expiry = arguments.expiry() * (arguments.groups.count > 3 ? 30 : 3)
        layer.groupAdd(try! ChannelName(channel), to: try! GroupName(group), expiry: expiry)
        reference.groupAdd(channel, to: group, expiry: expiry, now: now)
        return "groupAdd of \(channel) to \(group) for \(expiry)"
    }

    mutating func groupDiscard() -> String {
        let (channel, group) = (arguments.channel(), arguments.group())
        layer.groupDiscard(try! ChannelName(channel), from: try! GroupName(group))
        reference.groups[group]?[channel] = nil
        return "groupDiscard of \(channel) from \(group)"
    }

    mutating func removeGroup() -> String {
        let group = arguments.group()
        layer.removeGroup(try! GroupName(group))
        reference.groups[group] = nil
        return "removal of \(group)"
    }

    // MARK: Looking

    mutating func look() -> String {
        let (name, group) = (arguments.channel(), arguments.group())
        check(layer.status(of: try! ChannelName(name)), reference.status(of: name, now: now), "status")
        let limit = 1 + arguments.below(5)
        let after = arguments.chance(1, in: 2) ? arguments.channel() : nil
        let page = layer.groupMembers(
            try! GroupName(group),
            options: GroupMembersOptions(after: after.map { try! ChannelName($0) }, limit: limit))
        let members = (reference.groups[group] ?? [:]).keys.filter { $0 > (after ?? "") }.sorted()
        check(page.channels.map(\.rawValue), Array(members.prefix(limit)), "members")
        check(page.hasMore, members.count > limit, "more members")
        if arguments.chance(1, in: 10) { compareStats() }
        return "look at \(name) and \(group)"
    }
}
