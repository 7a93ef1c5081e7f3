/// `uri-host [ ":" port ]`, as `Host` and targets have it (RFC 9110 §7.2, RFC 3986 §3.2). User information is no part of it
/// (RFC 9110 §4.2.4).
enum Authority {
    /// `reg-name` without percent-encoding, which covers IPv4 addresses as well; empty is a name too (RFC 3986 §3.2.2).
    static var registeredName: ASCII.CharacterSet {
        ASCII.CharacterSet(low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        if bytes.first == UInt8(ascii: "[") {
            guard let end = endOfAddress(bytes) else { return false }
            position = end
        } else {
            while true {
                position = registeredName.end(in: bytes, from: position)
                guard position < bytes.count, bytes[position] == UInt8(ascii: "%") else { break }
                guard position + 2 < bytes.count, ASCII.hexValue(bytes[position + 1]) != nil,
                    ASCII.hexValue(bytes[position + 2]) != nil
                else { return false }
                position += 3
            }
        }
        guard position < bytes.count else { return true }
        return bytes[position] == UInt8(ascii: ":") && bytes[(position + 1)...].allSatisfy(ASCII.isDigit)
    }

    /// Where an address in brackets ends: `[::1]`, or a future version's `[v1.…]`. That its groups make an address is for
    /// those who would connect to it.
    private static func endOfAddress(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let close = bytes.firstIndex(of: UInt8(ascii: "]")), close > 1 else { return nil }
        let address = bytes[1..<close]
        let isVersion6 = address.allSatisfy {
            ASCII.hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
        }
        let isFuture =
            address.first.map(ASCII.lowercased) == UInt8(ascii: "v")
            && address.allSatisfy { registeredName.contains($0) || $0 == UInt8(ascii: ":") }
        return isVersion6 || isFuture ? close + 1 : nil
    }
}
