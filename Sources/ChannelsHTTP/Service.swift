import Channels
import HTTPCore

/// What all endpoints share: the layers and the settings. Made once at start, then only read.
final class Service: Sendable {
    let settings: APISettings
    let layers: [String: ServedLayer]
    let crossOrigin: CrossOriginPolicy
    let startedAt: ContinuousClock.Instant

    init(registry: BackendRegistry, settings: APISettings) {
        self.settings = settings
        layers = registry.layers.mapValues(ServedLayer.init)
        crossOrigin = CrossOriginPolicy(origins: settings.corsOrigins)
        startedAt = settings.clock.now
    }

    func problem(for error: any Error, requestID: String?) -> Problem {
        Problem(mapping: error) { settings.reportError($0, requestID) }
    }

    /// In ASCII order.
    var layerNames: [String] { layers.keys.sorted() }

    /// The layer of plain paths, or of `/layers/{layer}/…`.
    ///
    /// - Throws: 404 `not-found`.
    func layer(at segment: ArraySlice<UInt8>?) throws(Problem) -> ServedLayer {
        let name = segment.map { PercentEncoding.decodeSegment($0) ?? "" } ?? ServedLayer.defaultName
        if let layer = layers[name] { return layer }
        throw Problem(
            .notFound,
            "There is no layer \(Parameter.quoted(name)). Layers: \(layerNames.joined(separator: ", ")).")
    }
}
