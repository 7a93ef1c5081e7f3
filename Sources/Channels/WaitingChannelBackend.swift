/// A backend that can wait for a message. Any other is asked again and again on behalf of all who wait (``PolledBackend``).
///
/// ## Implementation requirements
/// A receiver that waits suspends: it may cost memory, but holds no thread and no connection to the store. Receivers are
/// served in the order in which they came.
public protocol WaitingChannelBackend: ChannelBackend {
    /// As `receiveMany`, but suspends until there is a message, or `deadline` (on the clock of ``BackendContext``).
    ///
    /// It is all that a long-poll asks: it looks before it waits. Returns an empty array at the deadline, but not before it has
    /// looked, however near the deadline is; where that has passed already, what is there. Cancellation of the task ends the
    /// wait: it throws `CancellationError` and has taken nothing, or it returns what it had taken before.
    ///
    /// - Throws: `layerFull` (503) where nothing is there and there is no memory for the wait; `backendUnavailable`,
    ///   `outcomeUnknown` (503) where it could not look.
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery]
}
