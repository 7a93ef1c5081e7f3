import Reactor

/// Where the master of a service is that Redis Sentinel watches over. Loop only.
final class SentinelLocator: RedisLocator {
    private let service: String
    private let credentials: RedisCredentials
    private let loop: EventLoop
    private var sentinels: [RedisEndpoint]
    private var inquiry: Inquiry<RedisEndpoint>?

    /// - Parameter credentials: those of the Sentinels, which have their own.
    init(of service: String, sentinels: [RedisEndpoint], credentials: RedisCredentials, on loop: EventLoop) {
        self.service = service
        self.sentinels = sentinels
        self.credentials = credentials
        self.loop = loop
    }

    func name(at endpoint: RedisEndpoint?) -> String {
        endpoint.map { "\($0) (master '\(service)')" } ?? "master '\(service)'"
    }

    var mayMove: Bool { true }
    var followsRedirections: Bool { false }
    /// A Sentinel may not know yet (Redis, "Guidelines for Redis clients with support for Redis Sentinel").
    var requiresMaster: Bool { true }

    func locate(completion: @escaping (Result<RedisEndpoint, LocatingFailure>) -> Void) {
        var question = RedisCommand("SENTINEL")
        question.append("GET-MASTER-ADDR-BY-NAME")
        question.append(service)
        inquiry?.cancel()
        inquiry = Inquiry(
            question, of: sentinels, credentials: credentials, on: loop, accept: { [self] in master($0, from: $1) }
        ) { [self] result in
            inquiry = nil
            completion(result)
        }
    }

    func close() { inquiry.take()?.cancel() }

    private func master(_ reply: RedisReply, from sentinel: RedisEndpoint) -> Result<RedisEndpoint, LocatingFailure> {
        if let elements = reply.elements, elements.count == 2, let host = elements[0].text,
            let port = elements[1].text.flatMap({ UInt16($0) })
        {
            // The one that knew is asked first next time.
            if let index = sentinels.firstIndex(of: sentinel) { sentinels.swapAt(0, index) }
            return .success(sentinel.sibling(host: host, port: port))
        }
        if case .error(let text) = reply { return .failure(LocatingFailure(text: text)) }
        return .failure(LocatingFailure(text: "this Sentinel knows no master '\(service)'"))
    }
}
