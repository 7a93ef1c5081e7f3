import Channels
import ChannelsHTTP
import Glibc
import HTTPCore
import HTTPServer
import Logging

/// Everything that a server needs to know before it starts, read and checked.
struct ServeSettings {
    var addresses: [ListenAddress] = []
    /// Name and backend URL, the layer `default` first.
    var layers: [(name: String, url: String)] = []
    var layerDefaults = LayerSettings()
    var loopsCount: Int
    var messageBytesMax = 16 << 20
    var waitMax = Duration.seconds(300)
    var corsOrigins: [String] = []
    var server = HTTPServerSettings()
    var logLevel = Logger.Level.info

    static let loopsMax = 1024

    /// - Throws: ``SettingError`` for the first setting that cannot be used.
    init(_ reader: SettingReader) throws(SettingError) {
        loopsCount = try reader.count(.loops, in: 1...Self.loopsMax) ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        try readAddresses(reader)
        try readLayers(reader)
        try readLayerDefaults(reader)
        try readAPI(reader)
        try readServer(reader)
        if let text = reader.text(.logLevel) {
            guard let level = Logger.Level(rawValue: text.lowercased()) else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingError(.logLevel, is: "one of \(levels)", not: text)
            }
            logLevel = level
        }
    }

    private mutating func readAddresses(_ reader: SettingReader) throws(SettingError) {
        let texts = reader.list(.bind)
        for text in texts.isEmpty ? ["127.0.0.1:8080"] : texts {
            guard let address = ListenAddress(text) else {
                throw SettingError(.bind, is: "'127.0.0.1:8080', '[::1]:8080' or 'unix:/path'", not: text)
            }
            addresses.append(address)
        }
    }

    private mutating func readLayers(_ reader: SettingReader) throws(SettingError) {
        var names: Set<String> = []
        for text in reader.list(.layer) {
            guard let match = text.wholeMatch(of: /([A-Za-z0-9_.\-]{1,200})=(.+)/) else {
                throw SettingError(
                    .layer, is: "NAME=URL with a NAME of letters, digits, '-', '_' and '.', as in 'jobs=memory:'",
                    not: text)
            }
            let name = String(match.1)
            guard names.insert(name).inserted else { throw SettingError("The layer '\(name)' is given twice.") }
            layers.append((name, String(match.2)))
        }
        if let backend = reader.text(.backend) {
            guard !names.contains("default") else {
                throw SettingError("The layer 'default' is given twice: by --layer and by --backend.")
            }
            layers.insert(("default", backend), at: 0)
        } else if !names.contains("default") {
            layers.insert(("default", "memory:"), at: 0)
        }
    }

    private mutating func readLayerDefaults(_ reader: SettingReader) throws(SettingError) {
        layerDefaults.expiry = try reader.seconds(.expiry) ?? layerDefaults.expiry
        layerDefaults.groupExpiry = try reader.seconds(.groupExpiry) ?? layerDefaults.groupExpiry
        layerDefaults.capacity = try reader.count(.capacity, in: 1...Int.max) ?? layerDefaults.capacity
        layerDefaults.memoryBytesMax = try reader.bytes(.memoryLimit, in: 1...Int.max) ?? layerDefaults.memoryBytesMax
        for text in reader.list(.channelCapacity) {
            do {
                layerDefaults.channelCapacities.append(try LayerSettings.ChannelCapacity(text: text))
            } catch {
                throw SettingError(.channelCapacity, is: "GLOB=N with N from 1, as in 'log.*=5000'", not: text)
            }
        }
    }

    private mutating func readAPI(_ reader: SettingReader) throws(SettingError) {
        messageBytesMax =
            try reader.bytes(.maxMessage, in: APISettings.messageBytesMaxLeast...Int.max) ?? messageBytesMax
        waitMax = try reader.seconds(.maxWait) ?? waitMax
        corsOrigins = reader.list(.corsOrigin)
        // What a browser sends has no path (RFC 6454 §6.2), so an origin with one would never match.
        for origin in corsOrigins where origin != "*" && origin != "null" {
            guard origin.wholeMatch(of: /[A-Za-z][A-Za-z0-9+.\-]*:\/\/[^\/\s?#]+/) != nil else {
                throw SettingError(.corsOrigin, is: "'*' or SCHEME://HOST[:PORT] without a path", not: origin)
            }
        }
    }

    private mutating func readServer(_ reader: SettingReader) throws(SettingError) {
        server.connectionsMax = try reader.count(.maxConnections, in: 1...Int.max) ?? server.connectionsMax
        server.limits.headBytesMax = try reader.bytes(.maxHead, in: 1024...(1 << 20)) ?? server.limits.headBytesMax
        server.limits.targetBytesMax =
            try reader.bytes(.maxTarget, in: 256...(1 << 20))
            ?? min(server.limits.targetBytesMax, server.limits.headBytesMax)
        server.headTimeout = try reader.seconds(.headTimeout) ?? server.headTimeout
        server.contentTimeout = try reader.seconds(.contentTimeout) ?? server.contentTimeout
        server.idleTimeout = try reader.seconds(.idleTimeout) ?? server.idleTimeout
        server.writeTimeout = try reader.seconds(.writeTimeout) ?? server.writeTimeout
        // One content of the largest size must fit.
        server.contentBytesInArrivalMax =
            try reader.bytes(.contentBudget, in: messageBytesMax...Int.max)
            ?? max(server.contentBytesInArrivalMax, messageBytesMax)
        server.answerBytesInFlightMax =
            try reader.bytes(.answerBudget, in: 1...Int.max) ?? server.answerBytesInFlightMax
    }
}
