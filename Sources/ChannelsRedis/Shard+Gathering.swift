import Channels

// Several sends of one turn of the loop are one call, and so are several receives.
//
// How it works. What comes is gathered until the loop's next turn, and called before the link writes what waits: so what is alone
// leaves as soon as it would by itself. Redis does nothing else during a call, so that has limits. Anything else that is called
// has what was gathered go first: operations run in the order in which they came, but that sends and receives pass each other.

extension Shard {
    /// Sends, or receives, in one call.
    static let gatheredMax = 100
    /// Content of the sends of one call.
    static let gatheredBytesMax = 65_536
    /// Names in the receives of one call.
    static let gatheredNamesMax = 1000

    func gather(_ send: ChannelSend) {
        let bytes = send.message.content.count
        if !sends.hasRoom(for: bytes) { callSends() }
        sends.append(send, weight: bytes)
        if sends.isFull { callSends() } else { callGatheredBeforeWrite() }
    }

    func gather(_ receive: ReceiveCall) {
        if !receives.hasRoom(for: receive.names.count) { callReceives() }
        receives.append(receive, weight: receive.names.count)
        if receives.isFull { callReceives() } else { callGatheredBeforeWrite() }
    }

    /// Now, and not in the next turn.
    func callGathered() {
        callSends()
        callReceives()
    }

    private func callSends() {
        let gathered = sends.takeAll()
        if !gathered.isEmpty { send(gathered) }
    }

    private func callReceives() {
        let gathered = receives.takeAll()
        if !gathered.isEmpty { receive(gathered) }
    }

    private func callGatheredBeforeWrite() {
        guard !isGathering else { return }
        isGathering = true
        link.beforeNextWrite { [self] in
            isGathering = false
            callGathered()
        }
    }
}
