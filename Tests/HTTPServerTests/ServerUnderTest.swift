import HTTPCore
import HTTPServer
import Reactor
import Testing

/// A server on loops of its own, on a free port of this machine.
struct ServerUnderTest: Sendable {
    let application: TestApplication
    let server: HTTPServer
    let address: ListenAddress

    var journal: Journal { application.journal }

    func client(receiveBufferBytes: Int32? = nil) throws -> Client {
        try Client(to: address, receiveBufferBytes: receiveBufferBytes)
    }

    /// Returns when so many connections are open, or fewer.
    func waitForConnections(atMost count: Int) async throws {
        let end = ContinuousClock.now + Client.patience
        while server.connectionCount > count {
            guard ContinuousClock.now < end else { throw Client.TooLate() }
            await Task.yield()
        }
    }
}

/// Runs `body`, on a loop for its clients, against a fresh server, and checks that no connection outlives the server.
func withServer(
    loops loopCount: Int = 1, answersAtOnce: Bool = true, at address: ListenAddress = ListenAddress("127.0.0.1:0")!,
    settings change: (inout HTTPServerSettings) -> Void = { _ in },
    _ body: @escaping @Sendable (ServerUnderTest) async throws -> Void
) async throws {
    var settings = HTTPServerSettings()
    change(&settings)
    let loops = try (0..<loopCount).map { try EventLoop(name: "server-\($0)") }
    let clientLoop = try EventLoop(name: "client")
    for loop in loops + [clientLoop] { try loop.start() }
    defer { for loop in loops + [clientLoop] { loop.stop() } }

    let application = TestApplication(answersAtOnce: answersAtOnce)
    let server = HTTPServer(application: application, settings: settings, loops: loops)
    let addresses = try server.listen(on: [address])
    let underTest = ServerUnderTest(application: application, server: server, address: addresses[0])
    let task = Task(executorPreference: clientLoop) { try await body(underTest) }
    let result = await withTaskCancellationHandler {
        await task.result
    } onCancel: {
        task.cancel()
    }
    application.gate.open()
    await server.drain(within: .seconds(20))
    #expect(server.connectionCount == 0, "A connection outlived its server")
    try result.get()
}
