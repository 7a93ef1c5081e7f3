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

/// A request that was let in: the endpoint picked, with what it needs of the head. Asked for the answer at once first.
package protocol HTTPCall: Sendable {
    /// Answers, or begins to wait, where neither needs a task. On the connection's loop, outside of any task: nothing is
    /// allocated for one, and nobody switches to one.
    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) -> PromptAnswer

    /// Answers. Runs in a task of the connection's, on its loop unless it moves elsewhere itself.
    ///
    /// The task is cancelled when the server drains, or the client hangs up, while `exchange.isWaiting` is set; a response
    /// made after that is still written if there is anyone to read it.
    func respond(to content: [UInt8], exchange: any HTTPExchange) async -> HTTPResponse
}

/// What becomes of a request without a task.
package enum PromptAnswer: Sendable {
    case response(HTTPResponse)
    /// The answer comes later: ``HTTPExchange/waitEnded()`` will be called.
    case waits(any HTTPWait)
    /// Nothing has been done; `respond` is to be asked.
    case needsTask
}

/// A request's wait, without a task.
package protocol HTTPWait: Sendable {
    /// When the server is to end it with `.timeLimit`.
    var deadline: ContinuousClock.Instant { get }

    /// True for the wait for a message: while it lasts, a client that closes its sending side counts as gone, and a server
    /// that drains ends it. False for one that will have an answer anyway, and is waited for.
    var endsWithClient: Bool { get }

    /// Ends the wait, unless it has ended. On the connection's loop.
    func end(_ cause: WaitEndCause)

    /// The answer, once the wait has ended, by whatever. Asked once, on the connection's loop.
    func response() -> HTTPResponse
}

extension HTTPWait {
    package var endsWithClient: Bool { true }
}

package enum WaitEndCause: Sendable {
    case timeLimit
    /// The client hung up, or the server drains; the connection was cut off.
    case cancellation
}

package enum Admission: Sendable {
    /// Read up to `contentBytesMax` of content, then ask the call.
    case admitted(any HTTPCall, contentBytesMax: Int)
    /// Answer at once; the content is not wanted.
    case refused(HTTPResponse)
}

/// The running request, as far as the application may touch it.
package protocol HTTPExchange: AnyObject, Sendable {
    /// Set around a wait for a message, on the connection's loop: by the application in `respond`, by the connection for a
    /// wait without a task. While it is set, a client that closes its sending side counts as gone, its wait is cancelled, and
    /// its socket is asked once more before the answer goes out.
    var isWaiting: Bool { get set }
    /// The request's id, taken over from `X-Request-Id` or made; sent back by the server.
    var requestID: String { get }

    /// Tells, once, that the wait without a task has ended, and its response is to be had. Any thread, also before the call
    /// that began it has returned.
    func waitEnded()
}
