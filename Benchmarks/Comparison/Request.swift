/// Requests as bytes, ready to be sent.
enum Request {
    /// 54 bytes of JSON.
    static let message = #"{"text":"hello, this is a message of fifty-four bytes"}"#

    static func make(_ method: String, _ target: String, _ content: String? = nil) -> [UInt8] {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n"
        if let content { text += "Content-Type: application/json\r\nContent-Length: \(content.utf8.count)\r\n" }
        return Array((text + "\r\n" + (content ?? "")).utf8)
    }
}
