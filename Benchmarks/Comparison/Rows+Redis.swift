import LoadGenerator
import Reactor

/// The backend in Redis, over HTTP, beside the same Redis without Laurel: webdis, which passes commands on.
///
/// Processor time is that of Laurel or webdis alone; with the Redis behind it, it is in the last column.
extension Bench {
    private static let push = "hello-this-is-a-message-of-just-as-many-bytes-as-beside"

    func redisSend() throws -> Row {
        let (laurel, webdis) = (try laurelOnRedis(), try webdis())
        return Row(
            title: "Send of 54 bytes over Redis, 64 connections", goal: "rate ≥ webdis LPUSH",
            cases: [
                .init(name: "Laurel, POST /channels/x") {
                    let sample = try await wrk(laurel, "/channels/x", Request.message).run()
                    try await flush(laurel)
                    return sample
                },
                .init(name: "webdis LPUSH") {
                    let sample = try await wrk(webdis, "/LPUSH/x/\(Self.push)").run()
                    try await flushBehind(webdis)
                    return sample
                },
            ])
    }

    func redisReceive() throws -> Row {
        let (laurel, webdis) = (try laurelOnRedis(), try webdis())
        return Row(
            title: "Receive that finds a message over Redis", goal: "rate ≥ webdis RPOP",
            cases: [
                .init(name: "Laurel, GET /receive?channels=y") {
                    // Twice as long as it takes to receive them: there must be enough.
                    for _ in 0..<2 { _ = try await wrk(laurel, "/channels/y", Request.message).run() }
                    let sample = try await wrk(laurel, "/receive?channels=y").run()
                    guard try await once(laurel, Request.make("GET", "/receive?channels=y")).status == 200 else {
                        throw Sample.Void(description: "the channel ran empty")
                    }
                    try await flush(laurel)
                    return sample
                },
                .init(name: "webdis RPOP") {
                    for _ in 0..<2 { _ = try await wrk(webdis, "/LPUSH/y/\(Self.push)").run() }
                    let sample = try await wrk(webdis, "/RPOP/y").run()
                    let left = try await once(webdis, Request.make("GET", "/RPOP/y"))
                    guard String(decoding: left.content, as: UTF8.self).contains(Self.push) else {
                        throw Sample.Void(description: "the list ran empty")
                    }
                    try await flushBehind(webdis)
                    return sample
                },
            ])
    }

    func redisGroupSend() throws -> Row { groupSend("over Redis", to: try laurelOnRedis()) }

    private func wrk(_ server: ServerProcess, _ target: String, _ content: String? = nil) -> Wrk {
        Wrk(server: server, target: target, content: content, seconds: seconds)
    }

    private func flushBehind(_ webdis: ServerProcess) async throws {
        guard try await once(webdis, Request.make("GET", "/FLUSHALL")).status == 200 else {
            throw Sample.Void(description: "webdis refuses to flush")
        }
    }
}
