/// A whole response, as ``HTTPClient`` received it.
package struct HTTPClientResponse: Sendable {
    package internal(set) var status = 0
    /// In the order received, names as the server wrote them. Those of a `100 Continue` before it are not among them.
    package internal(set) var fields: [(name: String, value: String)] = []
    package internal(set) var content: [UInt8] = []
    /// From the start of the transfer to its end.
    package internal(set) var duration = Duration.zero
    /// From the start of the transfer to the first byte of the response.
    package internal(set) var durationToFirstByte = Duration.zero
    /// How many connections had to be opened for it: 0 where a kept one served.
    package internal(set) var newConnectionsCount = 0

    /// The first field of that name, whatever its case.
    package subscript(name: String) -> String? {
        let name = name.lowercased()
        return fields.first { $0.name.lowercased() == name }?.value
    }

    /// The content as text; what is no UTF-8 becomes U+FFFD.
    package var text: String { String(decoding: content, as: UTF8.self) }
}
