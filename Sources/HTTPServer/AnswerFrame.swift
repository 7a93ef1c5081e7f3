import HTTPCore

/// What an answer needs to know of its request.
struct AnswerFrame {
    /// Nil where no head was read.
    var method: HTTPMethod?
    var version: HTTPVersion
    var keepsAlive: Bool
    /// The client may still send what nobody will read: the connection ends after the answer, once it had time to read it.
    var leavesUnread = false

    init(_ head: borrowing RequestHead) {
        method = head.method
        version = head.version
        keepsAlive = head.keepsAlive
    }

    /// Of a request whose head was not read.
    init() {
        method = nil
        version = .http11
        keepsAlive = false
    }
}
