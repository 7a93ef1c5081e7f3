import HTTPCore
import Reactor
import Synchronization

/// One connection, from accept to close, on one loop, straight on from request to request.
///
/// It is also the exchange that the application sees, as there is one request at a time: what is pipelined behind it stays
/// unread until it is answered.
///
/// ## How it works
/// Reader and writer suspend nowhere, they say what to wait for. So a request is served where the loop hears of it (`serve`),
/// and between two requests, or while one is parked until there is a message for it, the connection is this object and
/// nothing else. What has to be waited for in its middle has a task for as long as that takes, and no longer: a large
/// content, a backend that suspends, a client that reads slowly. Such a `Rest` is left by what runs at once.
// SAFETY: everything belongs to the loop: its tasks run there, the events of the socket and the drain come from there,
// and the application touches the exchange there only (`HTTPExchange`).
final class Connection: HTTPExchange, @unchecked Sendable {
    /// Answers in a row, without a look at other connections, to a client that pipelines.
    private static let answersInARowMax = 32

    private let application: any HTTPApplication
    private let worker: ServerWorker
    private let socket: Socket
    private let reader: RequestReader
    private var task: Task<Void, Never>?
    /// The request at hand waits without a task, and is to be answered so.
    private var parked: (wait: any HTTPWait, frame: AnswerFrame)?
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
        socket.onWatchEnd = { [unowned self] in watchEnded($0) }
        worker.add(self)
        if isWelcome {
            serve(after: .ready)
        } else {
            leave(.rejected(.overloaded(reason: "too many connections; try again later"), nil))
        }
    }

    private func end() {
        socket.close()
        worker.remove(self)
    }

    // MARK: At once

    /// What becomes of a request.
    private enum Outcome {
        /// Its answer is with the kernel.
        case answered
        /// It waits in `parked`.
        case parked
        /// The rest of it needs a task.
        case rest(Rest)
    }

    private enum Rest {
        case content(any HTTPCall, RequestHead, bytesMax: Int)
        case call(any HTTPCall, content: [UInt8], AnswerFrame)
        case refused(HTTPResponse, RequestHead)
        case response(HTTPResponse, AnswerFrame)
        /// To be written on.
        case unfinished(UnfinishedAnswer)
        case rejected(HTTPRejection, RequestHead?)
    }

    /// Serves the requests that are there, as far as that goes without a task; then watches the socket for more.
    private func serve(after wait: Socket.WaitEnd) {
        if isAborted { return end() }
        var wait = wait
        for _ in 0..<Self.answersInARowMax {
            switch reader.readHead(after: wait) {
            case .blocked(let deadline): return socket.watch(for: .readable, until: deadline)
            case .head(let head):
                switch answer(head) {
                case .answered: wait = .ready
                case .parked: return
                case .rest(let rest): return leave(rest)
                }
            case .rejected(let rejection, let head): return leave(.rejected(rejection, head))
            case .ended: return end()
            }
        }
        // There may be more, of a client that pipelines; others have their turn first.
        worker.loop.execute { [self] in serve(after: .ready) }
    }

    private func watchEnded(_ end: Socket.WaitEnd) {
        if let parked {
            // What ends it now is heard of by `waitEnded`, as is whatever may have ended it a moment ago.
            parked.wait.end(end == .timedOut ? .timeLimit : .cancellation)
        } else {
            serve(after: end)
        }
    }

    private func goOn(after outcome: Outcome) {
        switch outcome {
        case .answered: serve(after: .ready)
        case .parked: break
        case .rest(let rest): leave(rest)
        }
    }

    private func answer(_ head: RequestHead) -> Outcome {
        begin(head)
        switch application.admit(head) {
        case .refused(let response): return .rest(.refused(response, head))
        case .admitted(let call, let contentBytesMax):
            guard let content = reader.contentAtHand(head.framing, bytesMax: contentBytesMax) else {
                return .rest(.content(call, head, bytesMax: contentBytesMax))
            }
            return ask(call, content, AnswerFrame(head))
        }
    }

    private func begin(_ head: borrowing RequestHead) {
        hasWaited = false
        requestID = RequestID.sent(in: head) ?? worker.makeRequestID()
    }

    private func ask(_ call: any HTTPCall, _ content: [UInt8], _ frame: AnswerFrame) -> Outcome {
        switch call.answerAtOnce(to: content, exchange: self) {
        case .response(let response): return write(response, frame)
        case .waits(let wait):
            parked = (wait, frame)
            if !isAborted { socket.watch(for: [], until: wait.deadline) }
            isWaiting = wait.endsWithClient
            return .parked
        case .needsTask: return .rest(.call(call, content: content, frame))
        }
    }

    func waitEnded() {
        worker.loop.execute { [self] in
            guard let (wait, frame) = parked.take() else { preconditionFailure("A wait ends once") }
            socket.endWatch()
            isWaiting = false
            goOn(after: write(wait.response(), frame))
        }
    }

    private func write(_ response: consuming HTTPResponse, _ frame: AnswerFrame) -> Outcome {
        // What ends the connection, or tells that nothing was sent, is a task's.
        guard !closes(after: response, frame), !isNobodyThere, var answer = makeAnswer(response, frame) else {
            return .rest(.response(response, frame))
        }
        guard answer.write() == .done else {
            return .rest(.unfinished(UnfinishedAnswer(answer)))
        }
        return .answered
    }

    // MARK: In a task

    /// Leaves the rest of a request to a task; what comes after it is served at once again.
    private func leave(_ rest: Rest) {
        task = Task(executorPreference: worker.loop) { [self] in
            var outcome = await perform(rest)
            while case .rest(let next) = outcome { outcome = await perform(next) }
            task = nil
            if let outcome { goOn(after: outcome) } else { end() }
        }
    }

    /// Nil where the connection ends.
    private nonisolated(nonsending) func perform(_ rest: Rest) async -> Outcome? {
        switch rest {
        case .content(let call, let head, let bytesMax):
            let framing = head.framing
            switch await reader.readContent(framing, bytesMax: bytesMax, expectsContinue: head.expectsContinue) {
            case .content(let content): return ask(call, content, AnswerFrame(head))
            case .ended: return nil
            case .rejected(let rejection): return .rest(.rejected(rejection, head))
            }
        case .call(let call, let content, let frame):
            let response = await call.respond(to: content, exchange: self)
            isWaiting = false
            return write(response, frame)
        case .refused(let response, let head): return await refuse(response, head) ? .answered : nil
        case .response(let response, let frame): return await send(response, frame) ? .answered : nil
        case .unfinished(let answer): return await finish(answer.take()) ? .answered : nil
        case .rejected(let rejection, let head):
            await reject(rejection, head: head)
            return nil
        }
    }

    // MARK: Refusals

    /// Answers what was refused by its head. A small content is read away and the connection goes on: true. A client that
    /// waits for `100 Continue` may or may not send it then (RFC 9110 §10.1.1), so there the connection ends.
    private nonisolated(nonsending) func refuse(_ response: HTTPResponse, _ head: RequestHead) async -> Bool {
        var frame = AnswerFrame(head)
        switch head.framing {
        case .none:
            return await send(response, frame)
        case .length(let bytes) where bytes <= worker.settings.refusedContentBytesMax && !head.expectsContinue:
            if reader.takeUnread(count: bytes) != nil { return await send(response, frame) }
            frame.leavesUnread = closes(after: response, frame)
            guard await send(response, frame) else { return false }
            return await reader.discardContent(bytes: bytes)
        case .length, .chunked:
            frame.leavesUnread = true
            return await send(response, frame)
        }
    }

    /// Answers what never became a call, and ends.
    private nonisolated(nonsending) func reject(_ rejection: HTTPRejection, head: RequestHead?) async {
        if isAborted { return }
        var frame = AnswerFrame()
        if let head {
            begin(head)
            frame = AnswerFrame(head)
        } else {
            hasWaited = false
            requestID = worker.makeRequestID()
        }
        frame.leavesUnread = true
        _ = await send(application.respond(to: rejection, head: head), frame)
    }

    // MARK: Answers

    /// Writes an answer, and tells its fate. False where the connection is to end; if that is our wish, the client has then
    /// had its time to read.
    private nonisolated(nonsending) func send(_ response: HTTPResponse, _ frame: AnswerFrame) async -> Bool {
        // A client that left while its request waited must not take a message with it: the loop may not have heard yet.
        if isNobodyThere {
            await response.onUnsent?()
            return false
        }
        guard let answer = makeAnswer(response, frame) else {
            await response.onUnsent?()
            let rejection = HTTPRejection.overloaded(reason: "too many answers wait for their clients to read them")
            return await send(application.respond(to: rejection, insteadOf: response), frame)
        }
        return await finish(answer)
    }

    private var isNobodyThere: Bool { isAborted || (hasWaited && socket.isPeerGone()) }

    /// An answer ready to be written; nil where the budget for answers has no room for it.
    private func makeAnswer(_ response: borrowing HTTPResponse, _ frame: AnswerFrame) -> AnswerOnItsWay? {
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

    private func closes(after response: borrowing HTTPResponse, _ frame: AnswerFrame) -> Bool {
        !frame.keepsAlive || frame.leavesUnread || response.closesConnection || worker.isDraining
    }

    /// Reads away what the client still sends, for a moment, so that it comes to read its answer.
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
            if socket.hasHungUp || worker.isDraining { cancelWait() }
        }
    }

    /// Of a client that has closed its sending side while its request waits, nobody knows whether it lives; it counts as
    /// gone (RFC 9112 §9.6 allows both). Any other request is answered all the same.
    private func hangUp() {
        if isWaiting { cancelWait() }
    }

    private func cancelWait() {
        parked?.wait.end(.cancellation)
        task?.cancel()
    }

    /// Ends if it is idle; ends the wait of a request that waits; else finishes what it does, then ends.
    func beginDrain() {
        if isWaiting {
            cancelWait()
        } else if parked == nil, reader.phase == .idle {
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
        cancelWait()
        socket.abandon()
    }
}
