/// Who waits for messages without a task: see ``ImmediateChannelBackend/receiveManyAtOnce(_:options:orWait:)``.
public protocol WaitingReceiver: AnyObject, Sendable {
    /// Called once, when the wait ends: with what was taken, or with nil where it was ended before there was anything.
    ///
    /// From any thread, with no lock held, perhaps before the call that began the wait has returned. Must not block.
    func waitEnded(with deliveries: [Delivery]?)
}

/// A wait that has begun. It has no time limit but that its owner ends it, and may hold the backend until it has ended.
public protocol ReceiveWait: AnyObject, Sendable {
    /// Ends the wait, unless it has ended. Any thread, any number of times. The receiver hears of it as of any other end.
    func end()
}

/// What comes of a receive that may wait: either there was something, or a wait has begun.
public enum BlockingReceive: Sendable {
    /// What was there; the receiver hears nothing.
    case deliveries([Delivery])
    /// Nothing was. The receiver will hear.
    case waits(any ReceiveWait)
}
