/// Which backends there are, by URL scheme, and which layers stand on them, by name.
///
/// Built once at start, then read from every loop without a lock.
public struct BackendRegistry: Sendable {
    /// Makes the backend of one layer. What that lacks to be served, the layer puts around it (``Layer/backend``).
    public typealias Factory = @Sendable (BackendContext) async throws -> any ChannelBackend

    private var factories: [String: Factory] = [:]
    private var refusals: [String: String] = [:]
    public private(set) var layers: [String: Layer] = [:]

    public init() {}

    /// Registers a scheme: `registry.register("memory") { … }`. A scheme registered again replaces the former.
    public mutating func register(_ scheme: String, makeBackend: @escaping Factory) {
        factories[scheme] = makeBackend
    }

    /// Has a scheme that there is elsewhere, and not here, refused with a reason. It is not listed.
    package mutating func refuse(_ scheme: String, because reason: String) { refusals[scheme] = reason }

    /// The registered schemes, sorted.
    public var schemes: [String] { factories.keys.sorted() }

    /// The same as people read them: `memory:, sqlite:`.
    package var schemeList: String { schemes.map { $0 + ":" }.joined(separator: ", ") }

    /// Opens a layer and holds it under `name`.
    ///
    /// - Parameter report: see ``BackendContext/report``.
    /// - Throws: ``RegistryError`` for an unknown scheme, a bad URL or a setting that is none; what the factory throws.
    public mutating func open(
        layer name: String, url text: String, defaults: LayerSettings, clock: any ChannelClock,
        report: @escaping @Sendable (BackendReport) -> Void = { _ in }
    ) async throws {
        guard layers[name] == nil else { throw RegistryError("The layer '\(name)' is given twice.") }
        let url = try BackendURL(text)
        guard let makeBackend = factories[url.scheme] else {
            if let reason = refusals[url.scheme] {
                throw RegistryError("'\(url.scheme):' (layer '\(name)'): \(reason)")
            }
            throw RegistryError(
                "No backend is registered for '\(url.scheme):' (layer '\(name)'). Registered: \(schemeList).")
        }
        var settings = defaults
        let ownParameters = try settings.apply(url.parameters, layer: name)
        let context = BackendContext(
            layer: name, url: url, parameters: ownParameters, settings: settings, clock: clock, report: report)
        layers[name] = Layer(name: name, store: try await makeBackend(context), settings: settings, clock: clock)
    }

    /// The layer of that name, or nil.
    public subscript(layer name: String) -> Layer? { layers[name] }
}

/// What a factory is given to make a backend from.
public struct BackendContext: Sendable {
    public let layer: String
    public let url: BackendURL
    /// The URL's parameters that are not settings of every layer. A factory must refuse those that it does not know.
    public let parameters: [String: String]
    public let settings: LayerSettings
    public let clock: any ChannelClock
    /// Tells the operator what no answer tells. From any thread; it does not block.
    public let report: @Sendable (BackendReport) -> Void

    public init(
        layer: String, url: BackendURL, parameters: [String: String], settings: LayerSettings, clock: any ChannelClock,
        report: @escaping @Sendable (BackendReport) -> Void = { _ in }
    ) {
        self.layer = layer
        self.url = url
        self.parameters = parameters
        self.settings = settings
        self.clock = clock
        self.report = report
    }

    /// - Throws: ``RegistryError`` where the URL has parameters other than those of every layer and `known`.
    public func requireOnly(_ known: Set<String> = []) throws(RegistryError) {
        if let stranger = parameters.keys.sorted().first(where: { !known.contains($0) }) {
            let all = (known.sorted() + LayerSettings.parameterNames).joined(separator: ", ")
            throw RegistryError("The layer '\(layer)' has an unknown setting '\(stranger)'. Known: \(all).")
        }
    }
}

/// What has happened to a backend's store, for who runs the server: one line of its log.
///
/// A backend reports that a trouble has begun, or ended, and not that each of its calls fails: it limits its reports itself.
public struct BackendReport: Sendable {
    public enum Severity: Sendable {
        /// All is well, or well again.
        case information
        /// Something needs to be looked at.
        case warning
    }

    public let severity: Severity
    /// In one line, and without secrets.
    public let text: String

    public init(_ severity: Severity, _ text: String) {
        self.severity = severity
        self.text = text
    }
}

/// Why the server cannot start with these layers. The text is for the operator.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
