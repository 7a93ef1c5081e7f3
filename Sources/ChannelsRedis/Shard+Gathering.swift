import Channels
import Reactor

// Several sends of one turn of the loop are one call, and so are several receives.
//
// How it works. What comes is gathered until the loop's next turn, and called before the link writes what waits: so what is alone
// leaves as soon as it would by itself. Where as many calls as keep Redis busy have no answer yet, it is gathered until one has: the
// more there is to do, the more share a call, and the less each costs. Redis does nothing else during a call, so that has limits.
// Anything else that is called has what was gathered go first: operations run in the order in which they came, but that sends and
// receives pass each other.

extension Shard {
    /// Sends, or receives, in one call.
    static let gatheredMax = 100
    /// Content of the sends of one call.
    static let gatheredBytesMax = 65_536
    /// Names in the receives of one call.
    static let gatheredNamesMax = 1000

    /// Calls of sends without an answer, and of receives, while which more are gathered.
    static let callsUnderWayMax = 2

    func gather(_ send: ChannelSend) {
        let bytes = send.message.content.count
        if !sends.hasRoom(for: bytes) { callSends() }
        sends.append(send, weight: bytes, at: link.loop.now)
        if sends.isFull { callSends() } else { callGatheredBeforeWrite() }
    }

    func gather(_ receive: ReceiveCall) {
        if !receives.hasRoom(for: receive.names.count) { callReceives() }
        receives.append(receive, weight: receive.names.count, at: link.loop.now)
        if receives.isFull { callReceives() } else { callGatheredBeforeWrite() }
    }

    /// Now, and not in the next turn.
    func callGathered() {
        callSends()
        callReceives()
    }

    private func callSends() {
        guard let (gathered, since) = sends.takeAll() else { return }
        sendCallsUnderWay += 1
        send(
            gathered, since: since,
            answered: { [self] in
                sendCallsUnderWay -= 1
                if !sends.isEmpty { callGatheredBeforeWrite() }
            })
    }

    private func callReceives() {
        guard let (gathered, since) = receives.takeAll() else { return }
        receiveCallsUnderWay += 1
        // (Should it have to be called again, that is no reason for others to wait.)
        receive(gathered, since: since) { [self] in
            receiveCallsUnderWay -= 1
            if !receives.isEmpty { callGatheredBeforeWrite() }
        }
    }

    private func callGatheredBeforeWrite() {
        guard !isGathering else { return }
        isGathering = true
        link.beforeNextWrite { [self] in
            isGathering = false
            if sendCallsUnderWay < Self.callsUnderWayMax { callSends() }
            if receiveCallsUnderWay < Self.callsUnderWayMax { callReceives() }
        }
    }
}
