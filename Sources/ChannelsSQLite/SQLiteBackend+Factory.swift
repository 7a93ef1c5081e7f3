public import Channels

extension SQLiteBackend {
    /// The factory for the scheme `sqlite:PATH`, with `synchronous=normal|full` and the settings of every layer.
    ///
    /// - Throws: ``RegistryError`` for a URL with anything else in it, and as `init`.
    public static func make(_ context: BackendContext) throws -> SQLiteBackend {
        try context.requireOnly(["synchronous"])
        let path = context.url.location
        guard !path.isEmpty else {
            throw RegistryError(
                "'sqlite:' needs the path of a file (layer '\(context.layer)'), as in 'sqlite:jobs.db' or "
                    + "'sqlite:/var/lib/laurel/jobs.db'.")
        }
        guard !path.hasPrefix("//") || path.hasPrefix("///") else {
            throw RegistryError(
                "'sqlite:' takes a path without a host (layer '\(context.layer)'): write "
                    + "'sqlite:\(path.dropFirst(2))', or 'sqlite:/\(path.dropFirst(2))' for one from the root.")
        }
        let text = context.parameters["synchronous"] ?? Synchronous.normal.rawValue
        guard let synchronous = Synchronous(rawValue: text) else {
            let all = Synchronous.allCases.map(\.rawValue).joined(separator: " or ")
            throw RegistryError("'synchronous' of layer '\(context.layer)' is \(all), not '\(text)'.")
        }
        return try SQLiteBackend(
            path: path, synchronous: synchronous, settings: context.settings, clock: context.clock)
    }
}
