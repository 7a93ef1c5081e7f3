extension BackendRegistry {
    /// Shuts down the backends of all layers, all at once, and waits for them, but no longer than until `deadline` on `clock`.
    ///
    /// - Returns: the layers whose backends have not ended by then, sorted. They are left to end, or to end with the process.
    package func shutdown(by deadline: ContinuousClock.Instant, on clock: any ChannelClock) async -> [String] {
        let (endings, ending) = AsyncStream.makeStream(of: String.self)
        for layer in layers.values {
            // No child of this task, on purpose: one that never ends would be waited for.
            Task {
                await layer.backend.shutdown()
                ending.yield(layer.name)
            }
        }
        let alarm = clock.schedule(at: deadline) { ending.finish() }
        defer { alarm.cancel() }
        var unended = Set(layers.keys)
        var names = endings.makeAsyncIterator()
        while !unended.isEmpty, let name = await names.next() { unended.remove(name) }
        return unended.sorted()
    }
}
