import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("The command line of the server")
    struct CommandLineTests {
        /// Runs `laurel serve` where it is expected to refuse.
        private func refused(
            _ arguments: [String], environment: [String: String] = [:]
        ) async throws -> (exitStatus: Int32, errors: String) {
            let result = try await ChildProcess.run(
                LaurelProcess.executable, ["serve"] + arguments, environment: environment)
            return (result.exitStatus, result.errors)
        }

        @Test(
            "A setting that cannot be used is named, with what it takes, and the exit code is 64",
            arguments: [
                (["--capacity", "0"], "--capacity"),
                (["--capacity", "ten"], "whole number from 1"),
                (["--loops", "-1"], "--loops"),
                (["--expiry", "1e3"], "seconds from 0"),
                (["--max-message", "4999999"], "5000000"),
                (["--max-message", "16MB"], "64MiB"),
                (["--bind", "localhost"], "[::1]:8080"),
                (["--layer", "jobs"], "NAME=URL"),
                (["--layer", "a=memory:", "--layer", "a=memory:"], "given twice"),
                (["--channel-capacity", "log.*"], "GLOB=N"),
                (["--cors-origin", "https://example.org/"], "without a path"),
                (["--log-level", "loud"], "info, notice"),
                (["--config", "/nowhere.json"], "/nowhere.json"),
                (["--capasity", "1"], "--capasity"),
            ])
        func usage(arguments: [String], expected: String) async throws {
            let (status, errors) = try await refused(arguments)
            #expect(status == 64)
            #expect(errors.contains(expected), "\(errors)")
        }

        @Test("An unknown variable or key is refused with the nearest known one")
        func unknownNames() async throws {
            let variable = try await refused([], environment: ["LAUREL_CAPACTY": "5"])
            #expect(variable.exitStatus == 64)
            #expect(variable.errors.contains("Did you mean LAUREL_CAPACITY?"))
            try await withFile(#"{"max-wiat": 5}"#) { path in
                let key = try await refused(["--config", path])
                #expect(key.exitStatus == 64)
                #expect(key.errors.contains(#"Did you mean "max-wait"?"#))
            }
            try await withFile("no JSON") { path in
                let file = try await refused([], environment: ["LAUREL_CONFIG": path])
                #expect(file.exitStatus == 64)
                #expect(file.errors.contains("must be one JSON object"))
            }
        }

        @Test("Variables that Kubernetes sets for a service of that name are none of ours")
        func kubernetes() async throws {
            let variables = [
                "LAUREL_PORT": "tcp://10.0.0.1:8080", "LAUREL_SERVICE_HOST": "10.0.0.1", "LAUREL_SERVICE_PORT": "8080",
                "LAUREL_PORT_8080_TCP_ADDR": "10.0.0.1",
            ]
            try await LaurelProcess.run(environment: variables) { server in
                let response = try await server.call("GET", "/health/live")
                #expect(response.status == 200)
            }
        }

        @Test("What is wrong with a config file is told in words, and a small number is a number")
        func configFile() async throws {
            let directory = try await refused(["--config", "/tmp"]).errors
            #expect(directory.contains("'/tmp' cannot be read: it is a directory"))
            try await withFile("{\n\"max-wait\" 5\n}") { path in
                let errors = try await refused(["--config", path]).errors
                #expect(errors.contains("line 2"))
                #expect(!errors.contains(".."))
            }
            try await withFile(#"{"max-wait": {"a": 1}}"#) { path in
                let errors = try await refused(["--config", path]).errors
                #expect(errors.contains(#"a list ("max-wait")"#))
            }
            try await withFile(#"{"max-wait": 0.00001}"#) { path in
                try await LaurelProcess.run(["--config", path]) { server in
                    let response = try await server.call("GET", "/receive?channels=x&timeout=9")
                    #expect(response.status == 204)
                }
            }
        }

        @Test("An unknown scheme is refused with those that there are, exit code 1")
        func unknownScheme() async throws {
            let (status, errors) = try await refused(["--backend", "mongodb://x"])
            #expect(status == 1)
            #expect(errors.contains("memory:"))
        }

        @Test("An unknown setting of a layer is refused")
        func unknownLayerSetting() async throws {
            let (status, errors) = try await refused(["--layer", "jobs=memory:?capasity=5"])
            #expect(status == 1)
            #expect(errors.contains("capasity"))
        }

        @Test("A taken port is refused, exit code 1")
        func takenPort() async throws {
            try await LaurelProcess.run { server in
                let (status, errors) = try await refused(["--bind", "127.0.0.1:\(server.port)"])
                #expect(status == 1)
                #expect(errors.contains("127.0.0.1:\(server.port) is taken"))
            }
        }

        @Test("The command line wins over the environment, the environment over the file, each per setting")
        func precedence() async throws {
            let file = #"{"capacity": 1, "max-wait": 0.1, "channel-capacity": ["a,*=7"], "expiry": "5"}"#
            try await withFile(file) { path in
                try await LaurelProcess.run(
                    ["--config", path, "--capacity", "3"],
                    environment: [
                        "LAUREL_CAPACITY": "2", "LAUREL_MAX_WAIT": "0.2", "LAUREL_CHANNEL_CAPACITY": "b*=8,c*=9",
                    ]
                ) { server in
                    #expect(try await server.status(of: "x").capacity == 3)
                    #expect(try await server.status(of: "b1").capacity == 8)
                    #expect(try await server.status(of: "c1").capacity == 9)
                    #expect(try await server.status(of: "a,1").capacity == 3)
                    let duration = try await server.call("GET", "/receive?channels=x&timeout=9").duration
                    #expect(duration >= .milliseconds(200))
                }
                try await LaurelProcess.run([], environment: ["LAUREL_CONFIG": path]) { server in
                    let (x, a) = (try await server.status(of: "x"), try await server.status(of: "a,1"))
                    #expect(x.capacity == 1)
                    #expect(a.capacity == 7)
                }
            }
        }

        @Test("A layer's own settings win over those of all")
        func layerSettings() async throws {
            try await LaurelProcess.run(["--capacity", "5", "--layer", "jobs=memory:?capacity=9"]) { server in
                let status: ChannelStatus = try await server.call("GET", "/layers/jobs/channels/x").decoded()
                #expect(status.capacity == 9)
                #expect(try await server.status(of: "x").capacity == 5)
            }
        }

        @Test("Several addresses are served at once", arguments: ["[::1]:0", "127.0.0.1:0"])
        func bindTwice(address: String) async throws {
            try await LaurelProcess.run(["--bind", address]) { server in
                try await server.waitForErrorLine("listening on http://" + address.dropLast())
                #expect(try await server.call("GET", "/health/live").status == 200)
            }
        }

        private func withFile(_ content: String, _ body: (String) async throws -> Void) async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString + ".json").path()
            try content.write(toFile: path, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await body(path)
        }
    }
}
