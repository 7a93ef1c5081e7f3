extension LayerSettings {
    /// The settings that every layer's URL may carry, by name.
    public static let parameterNames = ["capacity", "channel-capacity", "expiry", "group-expiry", "memory-limit"]

    /// Takes what every layer understands out of a URL's query; returns the rest, for the backend's factory.
    mutating func apply(
        _ parameters: [(name: String, value: String)], layer: String
    ) throws(RegistryError) -> [String: String] {
        var rest: [String: String] = [:]
        var ownCapacities: [ChannelCapacity] = []
        var seen: Set<String> = []
        for (name, value) in parameters {
            if name != "channel-capacity", !seen.insert(name).inserted {
                throw RegistryError("The layer '\(layer)' has the setting '\(name)' twice.")
            }
            switch name {
            case "capacity": capacity = try Self.count(value, name: name, layer: layer)
            case "channel-capacity": ownCapacities.append(try ChannelCapacity(text: value, layer: layer))
            case "expiry": expiry = try Self.seconds(value, name: name, layer: layer)
            case "group-expiry": groupExpiry = try Self.seconds(value, name: name, layer: layer)
            case "memory-limit": memoryBytesMax = try Self.bytes(value, name: name, layer: layer)
            default: rest[name] = value
            }
        }
        // A capacity of the layer's own goes before patterns of all layers.
        channelCapacities = seen.contains("capacity") ? ownCapacities : ownCapacities + channelCapacities
        return rest
    }

    private static func count(_ text: String, name: String, layer: String) throws(RegistryError) -> Int {
        guard let value = Int(digits: text), value >= 1 else {
            throw RegistryError("'\(name)' of layer '\(layer)' is a whole number from 1, not '\(text)'.")
        }
        return value
    }

    private static func bytes(_ text: String, name: String, layer: String) throws(RegistryError) -> Int {
        guard let value = Int(bytesText: text), value >= 1 else {
            throw RegistryError(
                "'\(name)' of layer '\(layer)' is a number of bytes, as in '67108864' or '64MiB', not '\(text)'.")
        }
        return value
    }

    private static func seconds(_ text: String, name: String, layer: String) throws(RegistryError) -> Duration {
        guard let value = Duration(secondsText: text.utf8) else {
            throw RegistryError(
                "'\(name)' of layer '\(layer)' is seconds, as in '60' or '0.25', up to 1000000000, not '\(text)'.")
        }
        return value
    }
}

extension LayerSettings.ChannelCapacity {
    /// `GLOB=N`; the last `=` counts, so that a pattern may hold one.
    public init(text: String, layer: String = "default") throws(RegistryError) {
        guard let equals = text.lastIndex(of: "="), equals != text.startIndex,
            let capacity = Int(digits: text[text.index(after: equals)...]), capacity >= 1
        else {
            throw RegistryError(
                "'\(text)' (layer '\(layer)') is no channel capacity: it must be GLOB=N with N from 1, as in 'log.*=5000'."
            )
        }
        self.init(pattern: GlobPattern(String(text[..<equals])), capacity: capacity)
    }
}
