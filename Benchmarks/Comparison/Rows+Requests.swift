import LoadGenerator
import Reactor

/// Requests that nobody waits for, by wrk where a peer does the same, else by our own generator.
extension Bench {
    func send() throws -> Row {
        let (laurel, nginx, nchan, webdis) = (try laurel(), try nginx(), try nchan(), try webdis())
        func post(_ server: ServerProcess, _ target: String) -> () async throws -> Sample {
            { try await Wrk(server: server, target: target, content: Request.message, seconds: seconds).run() }
        }
        return Row(
            title: "Send: POST of 54 bytes of JSON",
            goal: "≤ 1.0 × nginx return 200, ≤ 0.75 × nchan publish, ≤ 0.4 × webdis",
            cases: [
                .init(name: "Laurel, POST /channels/x") {
                    let sample = try await post(laurel, "/channels/x")()
                    try await flush(laurel)
                    return sample
                },
                .init(name: "nginx return 200", run: post(nginx, "/x")),
                .init(name: "nchan publish", run: post(nchan, "/pub/x")),
                .init(name: "webdis LPUSH") {
                    try await Wrk(server: webdis, target: "/LPUSH/x/hello-this-is-a-message", seconds: seconds).run()
                },
            ])
    }

    func receive() throws -> Row {
        let (laurel, nginx, webdis) = (try laurel(), try nginx(), try webdis())
        return Row(
            title: "Receive that finds a message",
            goal: "≤ 1.1 × nginx return 200",
            cases: [
                .init(name: "Laurel, GET /receive?channels=y") {
                    // Twice as long as it takes to receive them: there must be enough.
                    for _ in 0..<2 {
                        _ = try await Wrk(
                            server: laurel, target: "/channels/y", content: Request.message, seconds: seconds
                        ).run()
                    }
                    let sample = try await Wrk(server: laurel, target: "/receive?channels=y", seconds: seconds).run()
                    let left = try await once(laurel, Request.make("GET", "/receive?channels=y"))
                    guard left.status == 200 else { throw Sample.Void(description: "the channel ran empty") }
                    try await flush(laurel)
                    return sample
                },
                .init(name: "nginx return 200") {
                    try await Wrk(server: nginx, target: "/x", seconds: seconds).run()
                },
                .init(name: "webdis RPOP") {
                    for _ in 0..<2 {
                        _ = try await Wrk(server: webdis, target: "/LPUSH/y/hello-this-is-a-message", seconds: seconds)
                            .run()
                    }
                    return try await Wrk(server: webdis, target: "/RPOP/y", seconds: seconds).run()
                },
            ])
    }

    /// Each connection sends to a channel and receives from it, then goes on to the next of a thousand.
    func mixed() throws -> Row {
        let (laurel, webdis) = (try laurel(), try webdis())
        let sends = (0..<1000).map { Request.make("POST", "/channels/m\($0)", Request.message) }
        let receives = (0..<1000).map { Request.make("GET", "/receive?channels=m\($0)") }
        let pushes = (0..<1000).map { Request.make("GET", "/LPUSH/m\($0)/hello-this-is-a-message") }
        let pops = (0..<1000).map { Request.make("GET", "/RPOP/m\($0)") }
        func load(_ server: ServerProcess, _ first: [[UInt8]], _ second: [[UInt8]]) -> () async throws -> Sample {
            {
                var load = Load(to: server.address) { connection, number in
                    let channel = (connection * 15 + number / 2) % 1000
                    return number.isMultiple(of: 2) ? first[channel] : second[channel]
                }
                load.isExpected = { $0 == 200 || $0 == 202 }
                load.duration = .seconds(seconds)
                return try await measure(load, of: server)
            }
        }
        return Row(
            title: "Send and receive mixed over 1,000 channels, 64 connections",
            cases: [
                .init(name: "Laurel", run: load(laurel, sends, receives)),
                .init(name: "webdis LPUSH, RPOP", run: load(webdis, pushes, pops)),
            ])
    }

    func batches() throws -> Row {
        let laurel = try laurel()
        let entry = #"{"channel":"b","message":\#(Request.message)}"#
        let batch = Request.make(
            "POST", "/batch", "[" + Array(repeating: entry, count: 100).joined(separator: ",") + "]")
        return Row(
            title: "Sends in batches of 100, by message", unit: "message",
            cases: [
                .init(name: "Laurel, POST /batch") {
                    var load = Load(to: laurel.address) { _, _ in batch }
                    load.connectionsCount = 16
                    load.duration = .seconds(seconds)
                    let sample = try await laurel.measure { [load] in
                        var sample = try Sample(try await load.run(on: loop))
                        sample.operationsCount *= 100
                        sample.operationsPerSecond = sample.operationsPerSecond.map { $0 * 100 }
                        return sample
                    }
                    try await flush(laurel)
                    return sample
                }
            ])
    }

    func loops() throws -> Row {
        let (one, two) = (try laurel(), try laurel(loops: 2))
        let (nginxOne, nginxTwo) = (try nginx(), try nginx(workers: 2))
        func post(_ server: ServerProcess, flushes: Bool = true) -> () async throws -> Sample {
            {
                let sample = try await Wrk(
                    server: server, target: "/channels/x", content: Request.message, seconds: seconds
                ).run()
                if flushes { try await flush(server) }
                return sample
            }
        }
        return Row(
            title: "Two loops beside one: send", goal: "two at most 1.18 × one in processor time a request",
            cases: [
                .init(name: "Laurel, 2 loops", run: post(two)), .init(name: "Laurel, 1 loop", run: post(one)),
                .init(name: "nginx, 2 workers", run: post(nginxTwo, flushes: false)),
                .init(name: "nginx, 1 worker", run: post(nginxOne, flushes: false)),
            ])
    }

    func manyNames() throws -> Row {
        let laurel = try laurel()
        func poll(_ names: Int) -> () async throws -> Sample {
            let channels = (0..<names).map { #""n\#($0)""# }.joined(separator: ",")
            let request = Request.make("POST", "/receive", #"{"channels":[\#(channels)]}"#)
            return {
                var load = Load(to: laurel.address) { _, _ in request }
                load.connectionsCount = 8
                load.isExpected = { $0 == 204 }
                load.duration = .seconds(seconds)
                return try await measure(load, of: laurel)
            }
        }
        return Row(
            title: "Receives that name many channels and find nothing", goal: "linear in the names given",
            cases: [
                .init(name: "1,000 names", run: poll(1000)), .init(name: "100 names", run: poll(100)),
                .init(name: "1 name", run: poll(1)),
            ])
    }

    /// 5 MB in, and out again as bare bytes.
    func large() throws -> Row {
        let laurel = try laurel()
        let message = "\"" + String(repeating: "x", count: 4_999_998) + "\""
        let send = Request.make("POST", "/channels/large", message)
        var receive = Request.make("GET", "/receive?channels=large")
        receive.insert(contentsOf: Array("Accept: application/octet-stream\r\n".utf8), at: receive.count - 2)
        let take = receive
        return Row(
            title: "5 MB in and out, one connection",
            cases: [
                .init(name: "Laurel") {
                    var load = Load(to: laurel.address) { _, number in
                        number.isMultiple(of: 2) ? send : take
                    }
                    load.connectionsCount = 1
                    load.duration = .seconds(seconds)
                    var sample = try await measure(load, of: laurel)
                    sample.note = "resident \(laurel.residentBytes >> 20) MiB"
                    return sample
                }
            ])
    }
}
