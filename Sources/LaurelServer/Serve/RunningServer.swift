import Channels
import ChannelsHTTP
import Foundation
import HTTPServer
import Logging
import Reactor

/// The rooms put together: loops, layers, endpoints and the HTTP server, from start to shutdown.
struct RunningServer {
    let settings: ServeSettings
    private let log: Logger

    /// From the signal to the end of a shutdown: within the five seconds that are promised, with some left for the end itself.
    private static let shutdownTimeout = Duration.milliseconds(4750)
    /// What the backends have of it at least.
    private static let backendsTimeoutMin = Duration.milliseconds(500)
    /// What the connections have of it at most (a drain may take 100 ms longer than it is told); what is left then is cut off.
    private static let drainTimeout = shutdownTimeout - backendsTimeoutMin - .milliseconds(100)
    /// When the process ends where all of this is held up.
    private static let lastResortTimeout = Duration.milliseconds(4900)

    init(_ settings: ServeSettings) {
        self.settings = settings
        var log = Logger(label: Program.current.name, factory: { StreamLogHandler.standardError(label: $0) })
        log.logLevel = settings.logLevel
        self.log = log
    }

    /// Serves until SIGTERM or SIGINT, then drains.
    ///
    /// - Throws: what keeps it from starting: ``RegistryError``, `ListenError`, `SystemError`. The text is for the operator.
    func run() async throws {
        let signals = ShutdownSignals(endingWithin: Self.lastResortTimeout)
        let loops = try makeLoops()
        let clock = LoopClock(fallback: loops[0])
        let registry = try await openLayers(clock)
        let application = ChannelsApplication(registry: registry, settings: apiSettings(clock))
        let server = HTTPServer(application: application, settings: settings.server, loops: loops)
        for address in try server.listen(on: settings.addresses) {
            log.info("listening on \(address.unixPath == nil ? "http://" : "")\(address)")
        }
        await shutDownAtSignal(signals, server, registry, clock)
        for loop in loops { loop.stop() }
    }

    private func makeLoops() throws -> [EventLoop] {
        try (0..<settings.loopsCount).map { index in
            let loop = try EventLoop(name: "loop \(index)")
            try loop.start()
            return loop
        }
    }

    private func openLayers(_ clock: LoopClock) async throws -> BackendRegistry {
        var registry = Program.current.backends
        for layer in settings.layers {
            try await registry.open(
                layer: layer.name, url: layer.url, defaults: settings.layerDefaults, clock: clock
            ) { [log] report in
                let level: Logger.Level =
                    switch report.severity {
                    case .information: .info
                    case .warning: .warning
                    }
                log.log(level: level, "\(report.text)", metadata: ["layer": "\(layer.name)"])
            }
            log.debug("layer opened", metadata: ["layer": "\(layer.name)"])
        }
        return registry
    }

    private func apiSettings(_ clock: LoopClock) -> APISettings {
        let log = log
        var api = APISettings(version: Laurel.version, clock: clock) { error, requestID in
            log.error("request failed", metadata: ["error": "\(error)", "request": "\(requestID ?? "-")"])
        }
        api.messageBytesMax = settings.messageBytesMax
        api.waitMax = settings.waitMax
        api.corsOrigins = settings.corsOrigins
        api.openAPIDocument = PackageResources.openapi_yaml
        return api
    }

    /// Returns when the server has drained after the first signal, and its backends have ended or had their time; a second one
    /// ends the process on the spot.
    private func shutDownAtSignal(
        _ signals: ShutdownSignals, _ server: HTTPServer, _ registry: BackendRegistry, _ clock: LoopClock
    ) async {
        var arrivals = signals.arrivals.makeAsyncIterator()
        _ = await arrivals.next()
        let deadline = clock.now + Self.shutdownTimeout
        log.info("shutting down")
        let impatience = Task {
            if let number = await arrivals.next() { _exit(128 + number) }
        }
        await server.drain(within: Self.drainTimeout)
        for name in await registry.shutdown(by: deadline, on: clock) {
            log.warning("the backend's shutdown takes too long; going on without it", metadata: ["layer": "\(name)"])
        }
        impatience.cancel()
        log.info("bye")
    }
}
