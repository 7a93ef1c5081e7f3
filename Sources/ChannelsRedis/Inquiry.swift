import Reactor

/// A question to servers of which one answer suffices: asks one after the other, the next when one has failed or takes its time,
/// and ends with the first answer that is accepted. Each has a connection of its own for it. Loop only.
// SAFETY: everything belongs to the loop.
final class Inquiry<Answer>: @unchecked Sendable {
    /// Until the next one is asked beside it.
    private static var patience: Duration { .milliseconds(200) }
    private static var timeMax: Duration { .milliseconds(1500) }

    private let question: RedisCommand
    private let credentials: RedisCredentials
    private let loop: EventLoop
    private let accept: (RedisReply, RedisEndpoint) -> Result<Answer, LocatingFailure>
    private var left: ArraySlice<RedisEndpoint>
    private var links: [(server: RedisEndpoint, link: RedisLink)] = []
    private var unanswered = 0
    private var timer: Deadline?
    private let deadline: ContinuousClock.Instant
    private var lastReason = "there is nobody to ask"
    private var completion: ((Result<Answer, LocatingFailure>) -> Void)?

    /// - Parameters:
    ///   - accept: what an answer says; a failure has others asked.
    ///   - completion: called once, never within this call: with the last one's reason if none had an answer.
    init(
        _ question: RedisCommand, of servers: [RedisEndpoint], credentials: RedisCredentials, on loop: EventLoop,
        accept: @escaping (RedisReply, RedisEndpoint) -> Result<Answer, LocatingFailure>,
        completion: @escaping (Result<Answer, LocatingFailure>) -> Void
    ) {
        self.question = question
        self.credentials = credentials
        self.loop = loop
        self.accept = accept
        self.completion = completion
        left = servers[...]
        deadline = loop.now + Self.timeMax
        loop.execute { [self] in askNext() }
    }

    /// It is not answered any more.
    func cancel() {
        completion = nil
        close()
    }

    private func askNext() {
        timer.take()?.cancel()
        guard completion != nil else { return }
        guard let server = left.popFirst() else {
            if unanswered == 0 { end(.failure(LocatingFailure(text: lastReason))) }
            return
        }
        unanswered += 1
        var reason: String?
        let link = RedisLink(
            to: FixedLocator(server), credentials: credentials, on: loop, prelude: [],
            // One attempt suffices. (Not within what tells of it, as that goes on with its link.)
            events: .init(
                onReady: { _ in },
                onLost: { [weak self] text in
                    reason = text
                    self?.loop.execute { [weak self] in self?.giveUp(server) }
                },
                onMessage: { _, _ in }))
        links.append((server, link))
        link.start()
        link.run(question, until: deadline) { [self] result in
            unanswered -= 1
            switch result {
            case .success(let reply):
                switch accept(reply, server) {
                case .success(let answer): return end(.success(answer))
                case .failure(let failure): lastReason = link.describe(failure.text)
                }
            case .failure(.notSent(let text)), .failure(.outcomeUnknown(let text)): lastReason = reason ?? text
            }
            askNext()
        }
        timer = loop.schedule(at: loop.now + Self.patience) { [self] in
            timer = nil
            askNext()
        }
    }

    private func giveUp(_ server: RedisEndpoint) {
        links.first { $0.server == server }?.link.close()
    }

    private func end(_ result: Result<Answer, LocatingFailure>) {
        guard let completion = completion.take() else { return }
        close()
        completion(result)
    }

    private func close() {
        timer.take()?.cancel()
        for (_, link) in links { link.close() }
    }
}
