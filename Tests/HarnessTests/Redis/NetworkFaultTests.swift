import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("A Redis from which nothing comes any more, and of which nobody says so")
    struct NetworkFaultTests {
        /// These mostly wait, so all run beside each other.
        @Test(
            "While nothing passes, sends get 503 in time and who waits stays; where only bells are lost, who waits is served"
        )
        func faults() async throws {
            async let calls: Void = Self.each(Fault.allCases, Self.stopped)
            async let bells: Void = Self.each(BellFault.allCases, Self.unheard)
            _ = try await (calls, bells)
        }

        /// What becomes of all connections.
        enum Fault: CaseIterable {
            /// Half-open.
            case nothingToRedis, nothingToLaurel, nothingAtAll
            /// Closed, and not opened again.
            case nobodyListens, everybodyIsSentAway

            func begin(_ proxy: ChaosProxy) throws {
                switch self {
                case .nothingToRedis: proxy.behave { $0.swallowed = [.toRedis] }
                case .nothingToLaurel: proxy.behave { $0.swallowed = [.toLaurel] }
                case .nothingAtAll: proxy.behave { $0.swallowed = [.toRedis, .toLaurel] }
                case .nobodyListens: try proxy.turn(.shut)
                case .everybodyIsSentAway: try proxy.turn(.revolving)
                }
                if isClosed { proxy.cut() }
            }

            var isClosed: Bool { self == .nobodyListens || self == .everybodyIsSentAway }
        }

        private static func stopped(_ fault: Fault, _ proxy: ChaosProxy, _ server: LaurelProcess) async throws {
            async let parked = server.receive("x", timeout: 120)
            try await server.waitUntilParked(1, on: "x")
            try fault.begin(proxy)
            let doubtful = try await server.expectRefused(turns: fault.isClosed ? 1 : 2, "\(fault)")
            #expect(fault.isClosed || proxy.swallowedBytes > 0, "\(fault)")
            try await server.waitForErrorLine(
                "redis 127.0.0.1:\(proxy.port): " + (fault.isClosed ? "" : "a command had no answer in time"))
            try proxy.recover()

            try await server.untilReady()
            try await server.send(#""after""#, to: "x")
            let message = try #require(try await parked).message.description
            #expect(message == "after" || fault == .nothingToLaurel && doubtful.contains(message), "\(fault)")
            try await server.waitForErrorLine("works again")
            let lines = server.errorText.split(separator: "\n").filter { $0.contains("redis 127.0.0.1") }
            #expect(lines.count == 2, "one that it is gone, one that it is back: \(server.errorText)")
            #expect(try await server.status(of: "x").waiting == 0)
        }

        /// What becomes of the connection for bells, while that for calls is well.
        enum BellFault: CaseIterable {
            case cut, refused, deaf, mute

            func begin(_ proxy: ChaosProxy) {
                switch self {
                case .cut: break
                case .refused: proxy.behave(on: [.bells]) { $0.refuses = true }
                case .deaf: proxy.behave(on: [.bells]) { $0.swallowed = [.toLaurel] }
                case .mute: proxy.behave(on: [.bells]) { $0.swallowed = [.toRedis] }
                }
                if isClosed { proxy.cut([.bells]) }
            }

            var isClosed: Bool { self == .cut || self == .refused }

            /// Within what time a receiver is served. A subscriber that hears nothing asks after ten seconds, and gives up after 1.5
            /// more; who knows that bells are not heard asks each second. And what a busy machine adds.
            var timeMax: Duration { self == .deaf ? .seconds(16) : .seconds(5) }
        }

        private static func unheard(_ fault: BellFault, _ proxy: ChaosProxy, _ server: LaurelProcess) async throws {
            async let parked = server.receive("x", timeout: 40)
            try await server.waitUntilParked(1, on: "x")
            fault.begin(proxy)
            let begin = ContinuousClock.now
            try await server.send(#""one""#, to: "x")
            #expect(try await server.call("GET", "/health/ready").status == 200, "\(fault)")
            #expect(try await parked?.message == "one", "\(fault)")
            let time = ContinuousClock.now - begin
            print("\(fault): served after \(time)")
            #expect(time < fault.timeMax, "\(fault)")
            #expect(fault != .deaf || proxy.swallowedBytes > 0)
            if fault.isClosed { try await server.waitForErrorLine("redis 127.0.0.1:\(proxy.port)") }

            try proxy.recover()
            async let next = server.receive("x", timeout: 40)
            try await server.waitUntilParked(1, on: "x")
            try await server.send(#""two""#, to: "x")
            #expect(try await next?.message == "two", "\(fault)")
            #expect(try await server.stats()?.lost == 0)
        }

        @Test("A take whose answer is cut off is told of and counted, and its message never comes again")
        func takenAndGone() async throws {
            try await Self.each([()]) { _, proxy, server in
                try await server.send(#""precious""#, to: "x")
                proxy.cut(before: "precious", .toLaurel)
                let answer = try await server.call("GET", "/receive?channels=x")
                #expect(answer.status == 503 && answer.problem == "outcome-unknown", "\(answer.text)")
                #expect(proxy.cutCount == 1)
                #expect(try await server.stats()?.lost == 1)
                #expect(try await server.receive("x") == nil)

                // Who waits stays, and gets what comes next.
                async let parked = server.receive("x", timeout: 120)
                try await server.waitUntilParked(1, on: "x")
                proxy.cut(before: "precious", .toLaurel)
                try await server.send(#""precious too""#, to: "x")
                try await server.eventually("it counts as lost") { try await server.stats()?.lost == 2 }
                try await server.send(#""next""#, to: "x")
                #expect(try await parked?.message == "next")
                #expect(try await server.receive("x") == nil)
                let stats = try #require(try await server.stats())
                #expect(stats.sent == 3 && stats.delivered == 3 && stats.pending == 0 && stats.lost == 2)
            }
        }

        @Test("A send that is cut in its midst is not stored, and one whose answer is cut off is, once")
        func sentAndCut() async throws {
            try await Self.each([()]) { _, proxy, server in
                proxy.cut(before: "unheard", .toRedis)
                let cut = try await server.call("POST", "/channels/x", #""unheard""#)
                #expect(cut.status == 503 && cut.problem == "outcome-unknown", "\(cut.text)")
                #expect(proxy.cutCount == 1)
                #expect(try await server.receive("x") == nil)

                try await server.send(#""first""#, to: "y")
                // Its answer is a number: what is pending there.
                proxy.cut(before: ":2\r\n", .toLaurel)
                let unheard = try await server.call("POST", "/channels/y", #""second""#)
                #expect(unheard.status == 503 && unheard.problem == "outcome-unknown", "\(unheard.text)")
                #expect(try await server.receive("y")?.message == "first")
                #expect(try await server.receive("y")?.message == "second")
                #expect(try await server.receive("y") == nil)
                #expect(try await server.stats()?.lost == 0, "nothing was taken in vain")
            }
        }

        /// A Redis, a proxy and a server that is ready for each of them; all of that at once.
        private static func each<Element: Sendable>(
            _ elements: [Element],
            _ body: @escaping @Sendable (Element, ChaosProxy, LaurelProcess) async throws -> Void
        ) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for element in elements {
                    group.addTask {
                        try await RedisProcess.run { redis in
                            try await ChaosProxy.run(to: redis) { proxy in
                                try await LaurelProcess.run(["--backend", proxy.url]) { server in
                                    try await server.untilReady()
                                    try await body(element, proxy, server)
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}

private struct Stats: Decodable {
    let pending: Int
    let sent: Int
    let delivered: Int
    let lost: Int
}

extension LaurelProcess {
    /// Nil where Redis does not answer.
    fileprivate func stats() async throws -> Stats? {
        let answer = try await call("GET", "/stats")
        return answer.status == 503 ? nil : try answer.decoded()
    }
}
