import Glibc
import Reactor
import Testing

@Suite struct ListeningSocketTests {
    @Test("A listener takes a free port and accepts who connects to it", arguments: ["127.0.0.1", "::1"])
    func accepts(host: String) async throws {
        try await withLoop { loop in
            let asked = try #require(SocketAddress(host: host, port: 0))
            let descriptor = try ListeningSocket.open(asked, backlogConnections: 8)
            let address = try SystemCall.localAddress(of: descriptor.number)
            #expect(address.port != 0)
            let listener = try Socket(adopting: descriptor, on: loop)
            defer { listener.close() }
            let client = try SystemCall.socket(family: address.family)
            try? SystemCall.connect(client.number, to: address)
            #expect(await listener.wait(for: .readable, until: nil) == .ready)
            let hasAccepted = try listener.accept() != nil
            #expect(hasAccepted)
        }
    }

    @Test("A taken address is an error that says so")
    func addressInUse() throws {
        let first = try ListeningSocket.open(
            try #require(SocketAddress(host: "127.0.0.1", port: 0)), backlogConnections: 8)
        let address = try SystemCall.localAddress(of: first.number)
        do {
            _ = try ListeningSocket.open(address, backlogConnections: 8)
            Issue.record("Bound twice")
        } catch {
            #expect(error.code == EADDRINUSE)
            #expect(error.description == "bind: Address already in use (98)")
        }
        first.close()
    }

    @Test("A unix socket is answered while its listener lives, and not by the file that it leaves")
    func unixSocket() throws {
        let path = "/tmp/reactor-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock"
        defer { unlink(path) }
        let address = try #require(SocketAddress(unixPath: path))
        #expect(try !ListeningSocket.isAnswered(address))
        let listener = try ListeningSocket.open(address, backlogConnections: 8)
        #expect(try ListeningSocket.isAnswered(address))
        listener.close()
        #expect(access(path, F_OK) == 0)
        #expect(try !ListeningSocket.isAnswered(address))
    }

    @Test("A path that does not fit is no address", arguments: ["", String(repeating: "x", count: 108)])
    func badPaths(path: String) {
        #expect(SocketAddress(unixPath: path) == nil)
    }
}
