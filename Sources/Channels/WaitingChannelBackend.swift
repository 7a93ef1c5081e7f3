/// A backend that can wait for a message. Any other is asked again and again on behalf of all who wait (``PolledBackend``).
///
/// ## Implementation requirements
/// A receiver that waits suspends: it may cost memory, but holds no thread and no connection to the store. Receivers are
/// served in the order in which they came.
public protocol WaitingChannelBackend: ChannelBackend {
    /// As `receiveMany`, but suspends until there is a message, or `deadline` (on the clock of ``BackendContext``).
    ///
    /// Returns an empty array at the deadline; where that has passed already, what is there. Cancellation of the task ends the
    /// wait: it throws `CancellationError` and has taken nothing, or it returns what it had taken before.
    ///
    /// - Throws: `layerFull` (503) where there is no memory for the wait.
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery]
}
