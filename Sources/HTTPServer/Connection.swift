import HTTPCore
import Reactor
import Synchronization

/// One connection, from accept to close: one task on one loop, straight on from request to request.
///
/// It is also the exchange that the application sees, as there is one request at a time: what is pipelined behind it stays
/// unread until it is answered.
///
/// Reader and writer suspend nowhere, they say what to wait for. So a request that can be answered at once, as most can, is
/// served where the loop hears of it (`serveAtOnce`), while the task goes on waiting for what needs one: a large content, a
/// long-poll, a client that reads slowly.
// SAFETY: everything belongs to the loop: the task runs there, the events of the socket and the drain come from there,
// and the application touches the exchange there only (`HTTPExchange`).
final class Connection: HTTPExchange, @unchecked Sendable {
    /// Answers in a row, without a look at other connections, to a client that pipelines.
    private static let answersInARowMax = 32

    private let application: any HTTPApplication
    private let worker: ServerWorker
    private let socket: Socket
    private let reader: RequestReader
    private var task: Task<Void, Never>?
    private var isAborted = false

    private(set) var requestID = ""
    /// The application waited for a message while it answered the request at hand.
    private var hasWaited = false

    /// The worker's own.
    var indexInWorker = 0

    private init(_ application: any HTTPApplication, socket: Socket, worker: ServerWorker) {
        self.application = application
        self.worker = worker
        self.socket = socket
        reader = RequestReader(socket: socket, worker: worker)
    }

    // MARK: Life

    /// Serves a socket that was accepted until the connection ends. On the worker's loop.
    ///
    /// - Parameter isWelcome: False above the limit of connections: it is told so, and ended.
    static func start(
        _ descriptor: consuming Descriptor, application: any HTTPApplication, worker: ServerWorker, isWelcome: Bool
    ) {
        guard let socket = try? Socket(adopting: descriptor, on: worker.loop) else {
            worker.connectionCount.subtract(1, ordering: .relaxed)
            return
        }
        Connection(application, socket: socket, worker: worker).start(isWelcome: isWelcome)
    }

    private func start(isWelcome: Bool) {
        socket.onHangUp = { [unowned self] in hangUp() }
        worker.add(self)
        task = Task(executorPreference: worker.loop) { [self] in
            if isWelcome {
                await serve()
            } else {
                await reject(.overloaded(reason: "too many connections; try again later"), head: nil)
            }
            end()
        }
    }

    private func end() {
        socket.close()
        task = nil
        worker.remove(self)
    }

    // MARK: Requests

    /// The memory of a task is that of the deepest frames that were ever on it. So this one is kept small, and what waits,
    /// between two requests or for a message, is called from here with nothing in between.
    @inline(never)
    private nonisolated(nonsending) func serve() async {
        socket.onReady = { [unowned self] in isServedAtOnce() }
        var wait = Socket.WaitEnd.ready
        while true {
            switch progress(after: wait) {
            case .wait(let deadline):
                wait = await socket.wait(for: .readable, until: deadline, servesMeanwhile: true)
                continue
            case .ready: await answerReady()
            case .rest: guard await finishRest() else { return }
            case .yield: await Task.yield()
            }
            wait = .ready
        }
    }

    @inline(never)
    private func progress(after wait: Socket.WaitEnd) -> Progress {
        if rest == nil, case let progress = serveAtOnce(after: wait), rest == nil { return progress }
        if case .ready = rest { return .ready }
        return .rest
    }

    // MARK: At once

    private enum Progress {
        /// Nothing is left to do until more comes.
        case wait(until: ContinuousClock.Instant)
        /// A request is to be waited for.
        case ready
        /// Something else is left to the task.
        case rest
        /// There may be more, of a client that pipelines; others have their turn first.
        case yield
    }

    /// What `serveAtOnce` has begun and leaves to the task.
    private enum Rest {
        case ready(Ready)
        case content(any HTTPCall, RequestHead, bytesMax: Int)
        case refused(HTTPResponse, RequestHead)
        case response(HTTPResponse, AnswerFrame)
        /// `unfinished` is to be written on.
        case unfinishedAnswer
        case rejected(HTTPRejection, RequestHead?)
        case ended
    }

    /// A request that is here in full, and has to be waited for.
    private struct Ready {
        var call: any HTTPCall
        var content: [UInt8]
        var frame: AnswerFrame
    }

    private var rest: Rest?
    private var unfinished: AnswerOnItsWay?

    /// Called by the loop while the task waits between two requests. True: the wait goes on.
    private func isServedAtOnce() -> Bool {
        guard case .wait(let deadline) = serveAtOnce(after: .ready) else { return false }
        socket.setWaitDeadline(deadline)
        return true
    }

    /// Serves the requests that are there, as far as that goes without waiting.
    private func serveAtOnce(after wait: Socket.WaitEnd) -> Progress {
        var wait = wait
        for _ in 0..<Self.answersInARowMax {
            switch reader.readHead(after: wait) {
            case .blocked(let deadline): return .wait(until: deadline)
            case .head(let head): rest = answerAtOnce(head)
            case .rejected(let rejection, let head): rest = .rejected(rejection, head)
            case .ended: rest = .ended
            }
            if rest != nil { return .rest }
            wait = .ready
        }
        return .yield
    }

    /// What is left to do of the request; nil where nothing is.
    private func answerAtOnce(_ head: RequestHead) -> Rest? {
        begin(head)
        switch application.admit(head) {
        case .refused(let response): return .refused(response, head)
        case .admitted(let call, let contentBytesMax):
            guard let content = reader.contentAtHand(head.framing, bytesMax: contentBytesMax) else {
                return .content(call, head, bytesMax: contentBytesMax)
            }
            let frame = AnswerFrame(head)
            guard let response = call.respondAtOnce(to: content, requestID: requestID) else {
                return .ready(Ready(call: call, content: content, frame: frame))
            }
            return writeAtOnce(response, frame)
        }
    }

    /// What is left to do of the answer; nil where it is with the kernel.
    private func writeAtOnce(_ response: HTTPResponse, _ frame: AnswerFrame) -> Rest? {
        // What ends the connection, or tells that nothing was sent, is the task's.
        guard !closes(after: response, frame), !isNobodyThere, var answer = makeAnswer(response, frame) else {
            return .response(response, frame)
        }
        guard answer.write() == .done else {
            unfinished = consume answer
            return .unfinishedAnswer
        }
        return nil
    }

    // MARK: In the task

    @inline(never)
    private nonisolated(nonsending) func answerReady() async {
        let ready = takeReady()
        leave(await ready.call.respond(to: ready.content, exchange: self), ready.frame)
    }

    @inline(never)
    private func takeReady() -> Ready {
        guard case .ready(let ready) = rest.take() else { preconditionFailure("No request is ready") }
        return ready
    }

    @inline(never)
    private func leave(_ response: HTTPResponse, _ frame: AnswerFrame) {
        isWaiting = false
        rest = writeAtOnce(response, frame)
    }

    /// Does what is left, but for a request that is ready. False where the connection ends.
    @inline(never)
    private nonisolated(nonsending) func finishRest() async -> Bool {
        switch rest.take() {
        case .content(let call, let head, let bytesMax):
            // The head does not outlive its content: a request that waits is small.
            rest = await readContent(of: head, for: call, bytesMax: bytesMax).map { .ready($0) } ?? .ended
            return true
        case .refused(let response, let head): return await refuse(response, head)
        case .response(let response, let frame): return await write(response, frame)
        case .unfinishedAnswer:
            guard let answer = unfinished.take() else { preconditionFailure("It was left here") }
            return await finish(answer)
        case .rejected(let rejection, let head):
            await reject(rejection, head: head)
            return false
        case .ended, .ready, nil: return false
        }
    }

    /// Nil where the connection ends; who reads the answer has it.
    @inline(never)
    private nonisolated(nonsending) func readContent(
        of head: RequestHead, for call: any HTTPCall, bytesMax: Int
    ) async -> Ready? {
        let frame = AnswerFrame(head)
        if let content = reader.contentAtHand(head.framing, bytesMax: bytesMax) {
            return Ready(call: call, content: content, frame: frame)
        }
        switch await reader.readContent(head.framing, bytesMax: bytesMax, expectsContinue: head.expectsContinue) {
        case .content(let content): return Ready(call: call, content: content, frame: frame)
        case .ended: return nil
        case .rejected(let rejection):
            await reject(rejection, head: head)
            return nil
        }
    }

    private func begin(_ head: RequestHead?) {
        hasWaited = false
        requestID = head.flatMap { RequestID.sent(in: $0) } ?? worker.makeRequestID()
    }

    // MARK: Refusals

    /// Answers what was refused by its head. A small content is read away and the connection goes on: true. A client that
    /// waits for `100 Continue` may or may not send it then (RFC 9110 §10.1.1), so there the connection ends.
    @inline(never)
    private nonisolated(nonsending) func refuse(_ response: HTTPResponse, _ head: RequestHead) async -> Bool {
        var frame = AnswerFrame(head)
        switch head.framing {
        case .none:
            return await write(response, frame)
        case .length(let bytes) where bytes <= worker.settings.refusedContentBytesMax && !head.expectsContinue:
            if reader.takeUnread(count: bytes) != nil { return await write(response, frame) }
            frame.leavesUnread = closes(after: response, frame)
            guard await write(response, frame) else { return false }
            return await reader.discardContent(bytes: bytes)
        case .length, .chunked:
            frame.leavesUnread = true
            return await write(response, frame)
        }
    }

    /// Answers what never became a call, and ends.
    @inline(never)
    private nonisolated(nonsending) func reject(_ rejection: HTTPRejection, head: RequestHead?) async {
        if isAborted { return }
        begin(head)
        var frame = AnswerFrame(head)
        frame.leavesUnread = true
        _ = await write(application.respond(to: rejection, head: head), frame)
    }

    // MARK: Answers

    /// Writes an answer, and tells its fate. False where the connection is to end; if that is our wish, the client has then
    /// had its time to read.
    @inline(never)
    private nonisolated(nonsending) func write(_ response: HTTPResponse, _ frame: AnswerFrame) async -> Bool {
        // A client that left while its request waited must not take a message with it: the loop may not have heard yet.
        if isNobodyThere {
            await response.onUnsent?()
            return false
        }
        guard let answer = makeAnswer(response, frame) else {
            await response.onUnsent?()
            let rejection = HTTPRejection.overloaded(reason: "too many answers wait for their clients to read them")
            return await write(application.respond(to: rejection, insteadOf: response), frame)
        }
        return await finish(answer)
    }

    private var isNobodyThere: Bool { isAborted || (hasWaited && socket.isPeerGone()) }

    /// An answer ready to be written; nil where the budget for answers has no room for it.
    private func makeAnswer(_ response: HTTPResponse, _ frame: AnswerFrame) -> AnswerOnItsWay? {
        guard let share = AnswerShare(of: worker.answerBudget, for: response) else { return nil }
        let closes = closes(after: response, frame)
        let context = ResponseSerializer.Context(
            method: frame.method, version: frame.version, closesConnection: closes, requestID: requestID,
            date: worker.currentDate())
        return AnswerOnItsWay(
            writer: ResponseWriter(response, in: context, to: socket, worker: worker), share: share,
            onBegun: response.onBegun, onUnsent: response.onUnsent, closes: closes, leavesUnread: frame.leavesUnread,
            start: worker.loop.now)
    }

    @inline(never)
    private nonisolated(nonsending) func finish(_ answer: consuming AnswerOnItsWay) async -> Bool {
        var step = answer.write()
        while step == .blocked {
            let deadline = worker.settings.writeDeadline(
                since: answer.start, now: worker.loop.now, bytesWritten: answer.bytesWritten)
            guard await socket.wait(for: .writable, until: deadline) == .ready else { break }
            step = answer.write()
        }
        let (closes, leavesUnread) = (answer.closes, answer.leavesUnread)
        await answer.end()
        guard step == .done else { return false }
        guard closes else { return true }
        // Closing a socket with unread bytes resets the connection, and the reset may overtake the answer (RFC 9112 §9.6).
        if leavesUnread || reader.hasUnread || socket.mayBeReadable { await linger() }
        return false
    }

    private func closes(after response: HTTPResponse, _ frame: AnswerFrame) -> Bool {
        !frame.keepsAlive || frame.leavesUnread || response.closesConnection || worker.isDraining
    }

    /// Reads away what the client still sends, for a moment, so that it comes to read its answer.
    @inline(never)
    private nonisolated(nonsending) func linger() async {
        socket.shutdownSending()
        let deadline = worker.loop.now + worker.settings.lingerTimeout
        var bytesLeft = worker.settings.lingerBytesMax
        while bytesLeft > 0, worker.loop.now < deadline {
            switch try? socket.read(into: worker.loop.readBuffer) {
            case .bytes(let count):
                bytesLeft -= count
                await Task.yield()
            case .nothingYet:
                guard await socket.wait(for: .readable, until: deadline) == .ready else { return }
            case .end, nil: return
            }
        }
    }

    // MARK: Hang-ups and drain

    var isWaiting = false {
        didSet {
            assert(worker.loop.isCurrent, "isWaiting is set on the connection's loop")
            guard isWaiting else { return }
            hasWaited = true
            if socket.hasHungUp || worker.isDraining { task?.cancel() }
        }
    }

    /// Of a client that has closed its sending side while its request waits, nobody knows whether it lives; it counts as
    /// gone (RFC 9112 §9.6 allows both). Any other request is answered all the same.
    private func hangUp() {
        if isWaiting { task?.cancel() }
    }

    /// Ends if it is idle; ends the wait of a request that waits; else finishes what it does, then ends.
    func beginDrain() {
        if isWaiting {
            task?.cancel()
        } else if reader.phase == .idle {
            socket.interrupt()
        }
    }

    /// Answers 503 to a request that has not arrived in full, unless more of it is at hand right now.
    func refuseArrival() {
        if reader.phase == .arriving { socket.interrupt() }
    }

    /// Ends, whatever it does.
    func abort() {
        isAborted = true
        task?.cancel()
        socket.abandon()
    }
}
