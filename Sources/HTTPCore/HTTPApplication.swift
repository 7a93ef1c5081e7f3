/// What a server serves. Two steps, so that a request can be refused by its head, before its content is read and before
/// `100 Continue` invites it.
package protocol HTTPApplication: Sendable {
    /// Looks at the head alone. Does not block and does not suspend; runs on the connection's loop.
    func admit(_ head: RequestHead) -> Admission

    /// Answers on behalf of the server what never became a call: bad framing, a limit, a time-out. `head` where it was read.
    func respond(to rejection: HTTPRejection, head: RequestHead?) -> HTTPResponse

    /// Answers so because `response` cannot be sent now; it is told that it is unsent.
    func respond(to rejection: HTTPRejection, insteadOf response: HTTPResponse) -> HTTPResponse
}

/// A request that was let in: the endpoint picked, with what it needs of the head. One of the two is asked for the answer.
package protocol HTTPCall: Sendable {
    /// Answers, where that takes no waiting; nil, with nothing done, where it does: then `respond` is asked. On the
    /// connection's loop, outside of any task: nothing is allocated for one, and nobody switches to one.
    func respondAtOnce(to content: [UInt8], requestID: String) -> HTTPResponse?

    /// Answers. Runs as part of the connection's task, on its loop unless it moves elsewhere itself.
    ///
    /// The task is cancelled when the server drains, or the client hangs up, while `exchange.isWaiting` is set; a response
    /// made after that is still written if there is anyone to read it.
    func respond(to content: [UInt8], exchange: any HTTPExchange) async -> HTTPResponse
}

package enum Admission: Sendable {
    /// Read up to `contentBytesMax` of content, then ask the call.
    case admitted(any HTTPCall, contentBytesMax: Int)
    /// Answer at once; the content is not wanted.
    case refused(HTTPResponse)
}

/// The running request, as far as the application may touch it.
package protocol HTTPExchange: AnyObject, Sendable {
    /// Set by the application around a wait for a message, on the connection's loop: while it is set, a client that closes
    /// its sending side counts as gone, its wait is cancelled, and its socket is asked once more before the answer goes out.
    var isWaiting: Bool { get set }
    /// The request's id, taken over from `X-Request-Id` or made; sent back by the server.
    var requestID: String { get }
}
