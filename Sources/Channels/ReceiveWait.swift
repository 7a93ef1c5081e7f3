/// Who waits for messages without a task: see ``ImmediateChannelBackend/receiveManyBlockingAtOnce(_:options:until:receiver:)``.
public protocol WaitingReceiver: AnyObject, Sendable {
    /// Called once, when the wait ends: with what was taken, which is nothing at the deadline; with nil where the wait was
    /// cancelled and has taken nothing.
    ///
    /// From any thread, with no lock held, perhaps before the call that began the wait has returned. Must not block.
    func waitEnded(with deliveries: [Delivery]?)
}

/// A wait that has begun.
public protocol ReceiveWait: AnyObject, Sendable {
    /// Ends the wait, unless it has ended. Any thread, any number of times. The receiver hears of it as of any other end.
    func cancel()
}

/// What comes of a receive that may wait.
public enum BlockingReceive: Sendable {
    /// What was there; the receiver hears nothing.
    case deliveries([Delivery])
    /// Nothing was. The receiver will hear.
    case waits(any ReceiveWait)
}
