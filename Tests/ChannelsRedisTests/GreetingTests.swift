import Testing

@testable import ChannelsRedis

@Suite struct GreetingTests {
    private static let quick: RedisLink.Limits = {
        var limits = RedisLink.Limits()
        limits.delayMin = .milliseconds(1)
        limits.delayMax = .milliseconds(10)
        return limits
    }()

    @Test("Who has the password gets in, who has not hears why, again and again")
    func password() async throws {
        try await RedisServer.run(["--requirepass", "opensesame"]) { server in
            let right = RedisCredentials(password: "opensesame")
            try await LinkUnderTest.with(server.endpoint, credentials: right) { test in
                try await test.tells(.ready)
                #expect(try await test.reply("PING") == .status("PONG"))
            }
            let none = "redis \(server.endpoint): NOAUTH Authentication required."
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick) { test in
                for _ in 0..<3 { try await test.tells(.lost(none)) }
                #expect(test.link.trouble == none && !test.link.isReady)
                #expect(await test.begin("PING", within: .milliseconds(1)).notSent() == none)
            }
            let wrong = RedisCredentials(password: "abracadabra")
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick, credentials: wrong) { test in
                let reason = try await test.lost()
                #expect(reason.hasPrefix("redis \(server.endpoint): WRONGPASS "))
                #expect(!reason.contains("abracadabra"))
            }
        }
    }

    @Test("A user has a password of his own")
    func user() async throws {
        try await RedisServer.run(["--user", "laurel", "on", ">secret", "~*", "&*", "+@all"]) { server in
            let credentials = RedisCredentials(user: "laurel", password: "secret")
            try await LinkUnderTest.with(server.endpoint, credentials: credentials) { test in
                try await test.tells(.ready)
                #expect(try await test.reply("ACL", "WHOAMI").text == "laurel")
            }
        }
    }

    @Test("A user who may neither ask for a sign of life nor have a name gets in all the same")
    func modestUser() async throws {
        try await RedisServer.run(["--user", "laurel", "on", ">secret", "~*", "+incr"]) { server in
            let credentials = RedisCredentials(user: "laurel", password: "secret")
            try await LinkUnderTest.with(server.endpoint, credentials: credentials) { test in
                try await test.tells(.ready)
                #expect(try await test.reply("INCR", "number") == .integer(1))
            }
        }
    }

    @Test("A server that tells its arguments back to a command that it does not know tells nobody the password")
    func passwordInError() async throws {
        try await RedisServer.run(["--rename-command", "AUTH", ""]) { server in
            let credentials = RedisCredentials(password: "opensesame")
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick, credentials: credentials) { test in
                let reason = try await test.lost()
                #expect(reason == "redis \(server.endpoint): ERR unknown command 'AUTH'")
            }
        }
    }

    @Test("An error in the prelude is a reason, and the connection is made again")
    func prelude() async throws {
        try await RedisServer.run { server in
            let prelude = [RedisCommand(words: ["INCR", "number"]), RedisCommand(words: ["LPOP", "number"])]
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick, prelude: prelude) { test in
                #expect(try await test.lost().contains(": WRONGTYPE "))
                try await test.beside(server.endpoint) { other in
                    _ = try await other.reply("SET", "number", "0")
                    try await other.until { try await other.reply("GET", "number").int ?? 0 >= 2 }
                }
            }
        }
    }

    @Test("A server that is still loading is waited for")
    func loading() async throws {
        let loading = "-LOADING Redis is loading the dataset in memory\r\n"
        try await CannedServer.run([.says(loading + "+OK\r\n"), .says("+PONG\r\n+OK\r\n")]) { server in
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick) { test in
                try await test.tells(.lost("redis \(server.endpoint): LOADING Redis is loading the dataset in memory"))
                try await test.tells(.ready)
            }
        }
    }

    @Test(
        "What is no Redis, or does not want us, is told apart",
        arguments: [
            (.says("HTTP/1.1 400 Bad Request\r\n\r\n"), "it does not speak Redis's protocol: "),
            (.says("*1\r\n$4\r\nPING\r\n"), "no Redis answers there"),
            (.says(""), "no answer to the connection within 0.5 seconds"),
            (.says("+PO"), "no answer to the connection within 0.5 seconds"),
            (.saysAndCloses("-ERR max number of clients reached\r\n"), "ERR max number of clients reached"),
        ] as [(CannedServer.Line, String)])
    func strangers(line: CannedServer.Line, reason: String) async throws {
        var limits = Self.quick
        // For who says nothing; the others are not to be judged by it.
        limits.greetingTime = reason.hasPrefix("no answer") ? .milliseconds(500) : .seconds(30)
        try await CannedServer.run([line, .says("+PONG\r\n+OK\r\n")]) { [limits] server in
            try await LinkUnderTest.with(server.endpoint, limits: limits) { test in
                #expect(try await test.lost().hasPrefix("redis \(server.endpoint): \(reason)"))
                try await test.tells(.ready)
            }
        }
    }

    @Test(
        "While a server does not let us in nothing waits for it; for one that is not ready yet what was asked waits",
        arguments: [
            ("-NOAUTH Authentication required.", true), ("-WRONGPASS invalid username-password pair", true),
            ("-NOPERM this user has no permissions", true), ("-ERR AUTH <password> called without any password", true),
            ("-ERR DB index is out of range", true), ("+HELLO", true),
            ("-LOADING Redis is loading the dataset in memory", false), ("-MASTERDOWN Link with MASTER is down", false),
            ("-ERR max number of clients reached", false),
        ])
    func shutOut(answer: String, isShutOut: Bool) async throws {
        let credentials = RedisCredentials(password: "secret")
        // To AUTH, or to the PING behind it.
        let refusal = CannedServer.Line.says((answer == "+HELLO" ? "+OK\r\n" : "") + answer + "\r\n")
        try await CannedServer.run([refusal, refusal, refusal, .says("+OK\r\n+PONG\r\n+OK\r\n")]) { server in
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick, credentials: credentials) { test in
                let began = ContinuousClock.now
                let early = test.begin("GET", "x", within: .seconds(30))
                let reason = try await test.lost()
                let next = test.begin("GET", "x", within: .seconds(30))
                if isShutOut {
                    #expect(await early.notSent() == reason)
                    #expect(await next.notSent() == reason)
                    #expect(ContinuousClock.now - began < .seconds(15), "not by its time limit")
                }
                try await test.ready()
                #expect(early.results.isEmpty != isShutOut && next.results.isEmpty != isShutOut)
                // Once it does, all is well.
                let first = isShutOut ? test.begin("GET", "x", within: .seconds(30)) : early
                // It has a loop of its own.
                await Task(executorPreference: server.loop) {
                    while server.takeCommand(on: 3)?.first != "GET" { await Task.yield() }
                    server.say(Array("+1\r\n".utf8), on: 3)
                }.value
                #expect(try await first.reply() == .status("1"))
            }
        }
    }

    @Test("Nor does what comes while it does not let us in wait for the next attempt")
    func shutOutAtOnce() async throws {
        var limits = RedisLink.Limits()
        (limits.delayMin, limits.delayMax) = (.seconds(1000), .seconds(1000))
        try await CannedServer.run([.says("-NOAUTH Authentication required.\r\n")]) { [limits] server in
            try await LinkUnderTest.with(server.endpoint, limits: limits) { test in
                let reason = try await test.lost()
                let asked = ContinuousClock.now
                #expect(await test.begin("GET", "x", within: .seconds(20)).notSent() == reason)
                #expect(ContinuousClock.now - asked < .seconds(10))
            }
        }
    }

    @Test("A server that says what nobody has asked for is left, and what was begun there is unknown")
    func unasked() async throws {
        try await CannedServer.run([.says("+PONG\r\n+OK\r\n+SURPRISE\r\n"), .says("+PONG\r\n+OK\r\n")]) { server in
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick) { test in
                try await test.ready()
                #expect(try await test.lost().hasSuffix(": it says what nobody has asked for"))
                try await test.tells(.ready)
            }
        }
    }

    @Test("The link's own pauses grow, and differ")
    func pauses() async throws {
        try await RedisServer.run(isStarted: false) { server in
            var limits = RedisLink.Limits()
            limits.delayMin = .milliseconds(4)
            limits.delayMax = .milliseconds(32)
            try await LinkUnderTest.with(server.endpoint, limits: limits) { test in
                _ = try await test.lost()
                let start = ContinuousClock.now
                for _ in 0..<6 { _ = try await test.lost() }
                // 4, 8, 16, 32, 32, 32, each half as long at the least.
                #expect(ContinuousClock.now - start >= .milliseconds(62))
            }
        }
    }
}
