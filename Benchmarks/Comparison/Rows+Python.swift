import LoadGenerator
import Reactor

/// The backend in Redis, over HTTP, beside Python's channels_redis, which is called without HTTP.
extension Bench {
    private static let goal = "rate ≥ 10 × channels_redis"

    func pairsBesidePython() throws -> Row {
        let (laurel, python) = (try laurelOnRedis(), PythonLayer(on: try redis()))
        return Row(
            title: "Send and receive in turn, 64 at a time, beside channels_redis", unit: "send or receive",
            goal: Self.goal,
            remark: """
                Laurel: one process, one loop, asked over HTTP by 64 connections, each with a channel of its own. \
                channels_redis: 64 tasks of one Python process do the same by calling it; there is no server, and the \
                process is load and layer in one. Each has a Redis of its own.
                """,
            cases: [
                .init(name: "Laurel, POST and GET") {
                    let load = Load(to: laurel.address) { connection, number in
                        number.isMultiple(of: 2)
                            ? Request.make("POST", "/channels/c\(connection)", Request.message)
                            : Request.make("GET", "/receive?channels=c\(connection)")
                    }
                    return try await run(load, on: laurel)
                },
                .init(name: "channels_redis, send and receive") { try await python.run(.pairs, seconds: seconds) },
            ])
    }

    /// Nobody receives.
    func groupSendBesidePython(_ members: Int) throws -> Row {
        let (laurel, python) = (try laurelOnRedis(), PythonLayer(on: try redis()))
        let request = Request.make("POST", "/groups/g", Request.message)
        return Row(
            title: "Group send to \(members) members, 64 at a time, beside channels_redis", goal: Self.goal,
            remark: """
                Nobody receives. Laurel, over HTTP, writes an entry, and each member's copy when it receives. channels_redis, \
                called by 64 tasks of one Python process, writes a copy at once: for each member that has a queue of its own, \
                as those of several processes have, or one for all consumers of one process.
                """,
            cases: [
                .init(name: "Laurel, POST /groups/g") {
                    try await join(members, to: "g", on: laurel)
                    let sample = try await run(Load(to: laurel.address) { _, _ in request }, on: laurel)
                    try await flush(laurel)
                    return sample
                },
                .init(name: "channels_redis, a queue each") {
                    try await python.run(.groupSendApart, members: members, seconds: seconds)
                },
                .init(name: "channels_redis, one process") {
                    try await python.run(.groupSendTogether, members: members, seconds: seconds)
                },
            ])
    }

    /// Each group send is received by all members, before the next one to that group.
    ///
    /// - Parameter together: All members of a group share a queue, and are given what is there with one request.
    func deliveriesBesidePython(together: Bool) throws -> Row {
        let (laurel, python) = (try laurelOnRedis(), PythonLayer(on: try redis()))
        let members = 100
        let receives = together ? 1 : members
        let member = { @Sendable (group: Int, number: Int) in "m\(group)\(together ? "!" : "-")\(number)" }
        return Row(
            title: "Group sends that each of 100 members receives, by delivery, beside channels_redis: "
                + (together ? "members that share a queue" : "a queue each"),
            unit: "delivery", goal: Self.goal,
            remark: "64 groups, each with a connection to Laurel, or a task in one Python process, that sends and then "
                + "receives for each member. "
                + (together
                    ? "Laurel's members are a mailbox, taken with one request; those of channels_redis are its process's."
                    : "Each member is asked for by itself."),
            cases: [
                .init(name: "Laurel, POST and GET") {
                    try await run(64 * members, on: laurel) {
                        Request.make("PUT", "/groups/g\($0 / members)/\(member($0 / members, $0 % members))")
                    }
                    let load = Load(to: laurel.address) { connection, number in
                        let step = number % (receives + 1)
                        if step == 0 { return Request.make("POST", "/groups/g\(connection)", Request.message) }
                        let target = together ? "m\(connection)!&max=\(members)" : member(connection, step - 1)
                        return Request.make("GET", "/receive?channels=\(target)")
                    }
                    let sample = try await run(load, on: laurel, share: Double(members) / Double(receives + 1))
                    try await flush(laurel)
                    return sample
                },
                .init(name: "channels_redis, group_send and receive") {
                    try await python.run(
                        together ? .deliverTogether : .deliverApart, members: members, seconds: seconds)
                },
            ])
    }

    /// - Parameter share: how many operations a request is.
    private func run(_ load: Load, on server: ServerProcess, share: Double = 1) async throws -> Sample {
        var load = load
        load.duration = .seconds(seconds)
        load.isExpected = { $0 == 200 || $0 == 202 }
        return try await server.measure { [load] in
            var sample = try Sample(try await load.run(on: loop))
            sample.operationsCount = Int(Double(sample.operationsCount) * share)
            sample.operationsPerSecond = sample.operationsPerSecond.map { $0 * share }
            // Those of a request, which has none beside it.
            (sample.p50, sample.p99) = (nil, nil)
            return sample
        }
    }
}
