public import Channels
import Glibc

extension MemoryBackend {
    /// The factory for the scheme `memory:`. Takes the settings of every layer and no others.
    ///
    /// - Throws: ``RegistryError`` for a URL with anything else in it.
    public static func make(_ context: BackendContext) throws -> MemoryBackend {
        try context.requireOnly()
        guard context.url.location.isEmpty else {
            throw RegistryError(
                "'memory:' takes no address, but layer '\(context.layer)' has '\(context.url.location)'. "
                    + "Settings follow a question mark: 'memory:?capacity=1000'.")
        }
        return MemoryBackend(
            settings: context.settings, clock: context.clock, epoch: millisecondsSince1970())
    }

    /// From the wall clock, once: ids of a later start are greater as long as it was not set back in between.
    private static func millisecondsSince1970() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
