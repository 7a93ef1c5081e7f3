import Glibc
import Reactor

extension ServerAddress {
    /// `host:port`, for the field Host.
    var host: String { String(baseURL.split(separator: "/").last ?? "localhost") }

    /// Where `laurel bench` connects to, as it speaks to sockets itself.
    ///
    /// - Throws: ``SettingError`` for https, a path, and a name that is not known.
    func socketAddress() throws(SettingError) -> SocketAddress {
        if let unixSocketPath, let address = SocketAddress(unixPath: unixSocketPath) { return address }
        guard let match = baseURL.wholeMatch(of: /http:\/\/(?<host>\[[^\]]+\]|[^:\/]+)(:(?<port>[0-9]+))?/) else {
            throw SettingError("bench wants --url http://HOST:PORT or unix:PATH, not '\(baseURL)'.")
        }
        let host = match.host.hasPrefix("[") ? String(match.host.dropFirst().dropLast()) : String(match.host)
        let port = match.port.flatMap { UInt16($0) } ?? 80
        if let address = SocketAddress(host: host, port: port) ?? Self.lookUp(host, port: port) { return address }
        throw SettingError("No address is known for '\(host)'.")
    }

    private static func lookUp(_ host: String, port: UInt16) -> SocketAddress? {
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, nil, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var next = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let code = getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            let numeric = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if code == 0, let address = SocketAddress(host: numeric, port: port) { return address }
            next = entry.pointee.ai_next
        }
        return nil
    }
}
