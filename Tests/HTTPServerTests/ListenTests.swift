import Glibc
import HTTPCore
import HTTPServer
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct ListenTests {
    @Test(
        "An address reads and prints itself",
        arguments: ["127.0.0.1:8080", "0.0.0.0:0", "[::1]:65535", "[::]:80", "unix:/run/laurel.sock", "unix:relative"])
    func addresses(text: String) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.description == text)
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1:http", "::1:8080",
            "[127.0.0.1]:80",
            "localhost:80", "unix:", "256.0.0.1:80", "unix:/\(String(repeating: "x", count: 107))",
        ])
    func noAddresses(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test("IPv6 is served as IPv4 is")
    func ipv6() async throws {
        try await withServer(at: ListenAddress("[::1]:0")!) { server in
            let client = try server.client()
            try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nv6")
            #expect(try await client.response().text == "v6")
            #expect(server.address.description.hasPrefix("[::1]:"))
            #expect(!server.address.description.hasSuffix(":0"))
        }
    }

    @Test("A unix socket is served; its file goes with the server")
    func unix() async throws {
        let path = Self.freePath()
        try await withServer(at: ListenAddress("unix:\(path)")!) { server in
            let client = try server.client()
            try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
            #expect(try await client.response().text == "hi")
            #expect(access(path, F_OK) == 0)
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test("The file of a dead server is replaced, that of a live one is not, nor is any other file")
    func staleUnixFile() async throws {
        let path = Self.freePath()
        defer { unlink(path) }
        let address = try #require(ListenAddress("unix:\(path)"))
        try ListeningSocket.open(address.socketAddress, backlogConnections: 1).close()
        #expect(access(path, F_OK) == 0)
        try await withServer(at: address) { server in
            let error = await Self.errorOfListening(on: address)
            #expect(error?.description == "\(address) is taken by another process; choose another with --bind")
            let client = try server.client()
            try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        let error = await Self.errorOfListening(on: address)
        #expect(error?.description == "\(address) cannot be made: the file exists and is no socket")
    }

    @Test("A server does not remove the file of the one that took its path over")
    func takenOverUnixFile() async throws {
        let path = Self.freePath()
        defer { unlink(path) }
        try await withServer(at: ListenAddress("unix:\(path)")!) { _ in
            unlink(path)
            close(open(path, O_CREAT | O_WRONLY, 0o600))
        }
        #expect(access(path, F_OK) == 0)
    }

    @Test("A taken port is an error that says what to do, and leaves none of the other addresses open")
    func takenPort() async throws {
        try await withServer { server in
            let path = Self.freePath()
            let error = await Self.errorOfListening(on: ListenAddress("unix:\(path)")!, server.address)
            #expect(error?.description == "\(server.address) is taken by another process; choose another with --bind")
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test("Out of descriptors, the server does not spin, and goes on when there are some again")
    func outOfDescriptors() async throws {
        // In a process of its own, as the limit is the process's.
        await #expect(processExitsWith: .success) {
            try await withServer(settings: { $0.acceptPause = .milliseconds(20) }) { server in
                let clients = try (0..<8).map { _ in try server.client() }
                for client in clients {
                    try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(try await client.response().status == 200)
                }
                var before = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
                var none = before
                none.rlim_cur = 3
                let late = try Client(to: server.address) {
                    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
                }
                try await late.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nlate")
                // Those that are there are served, and a server that waits for room burns no time: it would be all of it.
                try await clients[0].send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await clients[0].response().status == 200)
                let busyBefore = Self.processorTime()
                await Self.pass(.milliseconds(500))
                #expect(Self.processorTime() - busyBefore < .milliseconds(250))
                #expect(server.server.connectionCount == clients.count)
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
                #expect(try await late.response().text == "late")
            }
        }
    }

    /// What the process has computed so far.
    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private static func pass(_ duration: Duration) async {
        await withUnsafeContinuation { continuation in
            _ = EventLoop.current!.schedule(at: .now + duration) { continuation.resume() }
        }
    }

    private static func freePath() -> String {
        "/tmp/http-server-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock"
    }

    private static func errorOfListening(on addresses: ListenAddress...) async -> ListenError? {
        guard let loop = try? EventLoop() else { return nil }
        do {
            _ = try HTTPServer(application: TestApplication(), loops: [loop]).listen(on: addresses)
            return nil
        } catch {
            return error
        }
    }
}
