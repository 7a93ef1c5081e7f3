/// What Redis runs for a shard: a library of one function, in Lua (`Scripts`), under a name that tells its text apart.
///
/// A function rather than scripts (EVAL): the library's own functions are made once and not with each call, and
/// replicas have it. Releases that differ have libraries side by side, so a rolling upgrade disturbs nobody.
struct ShardLibrary: Sendable {
    /// `laurel_` and 16 hexadecimal digits. The function that frees memory where there is none left has `_free` after it.
    let name: String
    /// The argument of `FUNCTION LOAD`.
    let text: [UInt8]

    static let current = ShardLibrary(parts: [
        PackageResources.rows_lua, PackageResources.queues_lua, PackageResources.groups_lua,
        PackageResources.settling_lua, PackageResources.bells_lua, PackageResources.messages_lua,
        PackageResources.sweeping_lua, PackageResources.operations_lua,
    ])

    /// Lua, with `laurel_NAME` for the name.
    let source: [UInt8]

    private init(parts: [[UInt8]]) {
        self.init(source: parts.reduce(into: []) { $0 += $1 + [UInt8(ascii: "\n")] })
    }

    init(source: [UInt8]) {
        self.source = source
        var hash = StableHash()
        hash.combine(source)
        let digits = String(hash.value, radix: 16)
        name = "laurel_" + String(repeating: "0", count: 16 - digits.count) + digits
        let named = String(decoding: source, as: UTF8.self).replacing("laurel_NAME", with: name)
        text = Array("#!lua name=\(name)\n\(named)".utf8)
    }

    var loadCommand: RedisCommand {
        var command = RedisCommand("FUNCTION")
        command.append("LOAD")
        command.append("REPLACE")
        command.append(text)
        return command
    }
}

/// FNV-1a with 64 bits: the same on every machine and in every release.
struct StableHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
}
