import LoadGenerator
import Reactor

/// The backend in a file, over HTTP: sends that share commits, a group send that costs the same for one member and for a
/// million, and a backlog of a million that slows nobody.
extension Bench {
    func durableSends(_ synchronous: String, goal: Double) throws -> Row {
        let laurel = try laurelOnFile("synchronous=\(synchronous)")
        let same = try SingleCommits(.asASend, synchronous: synchronous)
        let bare = try SingleCommits(.bare, synchronous: synchronous)
        let spread = (0..<256).map { Request.make("POST", "/channels/c\($0)", Request.message) }
        return Row(
            title: "Durable send of 54 bytes, 64 connections, synchronous=\(synchronous)",
            goal: "rate ≥ \(goal) × a loop of single commits",
            cases: [
                .init(name: "Laurel, POST /channels/x") {
                    let sample = try await Wrk(
                        server: laurel, target: "/channels/x", content: Request.message, seconds: seconds
                    ).run()
                    try await flush(laurel)
                    return sample
                },
                .init(name: "Laurel, to 256 channels in turn") {
                    var load = Load(to: laurel.address) { connection, number in spread[(connection * 4 + number) % 256]
                    }
                    load.duration = .seconds(seconds)
                    let sample = try await measure(load, of: laurel)
                    try await flush(laurel)
                    return sample
                },
                .init(name: "loop: the rows of a send") { try await same.run(seconds: seconds) },
                .init(name: "loop: a bare row") { try await bare.run(seconds: seconds) },
            ])
    }

    func durableGroupSend() throws -> Row { groupSend("on a file", to: try laurelOnFile()) }

    /// To a million members and to one, of a server that is asked in the same run; nobody waits.
    func groupSend(_ place: String, to laurel: ServerProcess) -> Row {
        let hasJoined = [1: Flag(), 1_000_000: Flag()]
        let post = { (size: Int) -> () async throws -> Sample in
            let request = Request.make("POST", "/groups/size\(size)", Request.message)
            return {
                if let flag = hasJoined[size], !flag.isSet {
                    try await join(size, to: "size\(size)", on: laurel)
                    flag.set()
                }
                var load = Load(to: laurel.address) { _, _ in request }
                load.duration = .seconds(seconds)
                return try await measure(load, of: laurel)
            }
        }
        return Row(
            title: "Group send \(place), nobody waits", goal: "1,000,000 members ≤ 1.5 × one",
            cases: [
                .init(name: "1,000,000 members", run: post(1_000_000)), .init(name: "1 member", run: post(1)),
            ])
    }

    /// So many are sent, then as many received; one of the two is measured.
    func durableBacklog(measuringSends: Bool) throws -> Row {
        let (full, empty) = (try laurelOnFile(), try laurelOnFile())
        let count = 50_000
        let hasBacklog = Flag()
        func pass(_ server: ServerProcess) async throws -> Sample {
            let send = makeLoad(count, to: server) { Request.make("POST", "/channels/c\($0 % 100)", Request.message) }
            var receive = makeLoad(count, to: server) { Request.make("GET", "/receive?channels=c\($0 % 100)") }
            receive.isExpected = { $0 == 200 }
            let sent = try await measure(send, of: server)
            let received = try await measure(receive, of: server)
            return measuringSends ? sent : received
        }
        return Row(
            title: "\(measuringSends ? "Send" : "Receive that finds") on a file, with a backlog",
            goal: "1,000,000 messages that wait in 100 channels ≤ 1.5 × none",
            cases: [
                .init(name: "1,000,000 wait") {
                    if !hasBacklog.isSet {
                        try await run(1_000_000, on: full) {
                            Request.make("POST", "/channels/c\($0 % 100)", Request.message)
                        }
                        hasBacklog.set()
                    }
                    return try await pass(full)
                },
                .init(name: "none") { try await pass(empty) },
            ])
    }
}
