import Foundation
import HTTPClient
import Testing

extension Harness {
    /// A page of another origin in a real browser: what CORS allows is what browsers make of it.
    @Suite("In a browser")
    struct Browser {
        @Test("A page of a listed origin sends, long-polls, and reads every header and every error")
        func listedOrigin() async throws {
            try await withPages { pages in
                try await LaurelProcess.run(
                    ["--cors-origin", pages.origin, "--channel-capacity", "full=1"]
                ) { server in
                    let browser = try pages.open("listed", of: server)
                    defer { browser.close() }
                    let report = try await pages.report().decoded(as: Listed.self)
                    #expect(report.sent.status == 202)
                    #expect(report.sent.headers["X-Request-Id"] == "page-1")
                    #expect(report.received.status == 200)
                    #expect(report.received.text.contains(#""message":{"n":1}"#))
                    #expect(report.received.headers["Cache-Control"] == "no-store")
                    #expect(report.joined.status == 204)
                    #expect(report.bare.text == #""all""#)
                    #expect(report.bare.headers["Laurel-Channel"] == "page")
                    #expect(report.bare.headers["Laurel-Group"] == "g")
                    #expect(report.bare.headers["Laurel-Id"] != nil)
                    #expect(report.bare.headers["Preference-Applied"] == "wait=300")
                    #expect(report.made.headers["Location"]?.hasPrefix("/channels/") == true)
                    #expect(report.full.status == 429)
                    #expect(report.full.headers["Retry-After"] != nil)
                    #expect(report.full.headers["Content-Type"] == "application/problem+json")
                    #expect(report.full.text.contains("channel-full"))
                    #expect(report.wrong.status == 405)
                    #expect(report.wrong.headers["Allow"]?.contains("GET") == true)
                }
            }
        }

        @Test("A page of an origin that is not listed reads nothing")
        func otherOrigin() async throws {
            try await withPages { pages in
                try await LaurelProcess.run(["--cors-origin", "https://example.org"]) { server in
                    let browser = try pages.open("refused", of: server)
                    defer { browser.close() }
                    let report = try await pages.report()
                    #expect(report.text == #"{"error":"TypeError"}"#)
                }
            }
        }

        @Test("Two tabs that poll the same URL are both answered")
        func twoTabs() async throws {
            try await withPages { pages in
                try await LaurelProcess.run(["--cors-origin", "*"]) { server in
                    let browser = try pages.open("tabs", of: server)
                    defer { browser.close() }
                    try await server.waitUntilParked(2, on: "tabs")
                    try await server.send("1", to: "tabs")
                    try await server.send("2", to: "tabs")
                    let texts = [try await pages.report(), try await pages.report(after: 1)].map(\.text).joined()
                    #expect(texts.contains(#"\"message\":1"#))
                    #expect(texts.contains(#"\"message\":2"#))
                    #expect(texts.contains(#""tab":"1""#))
                    #expect(texts.contains(#""tab":"2""#))
                }
            }
        }

        private struct Listed: Decodable {
            struct Answer: Decodable {
                let status: Int
                let headers: [String: String]
                let text: String
            }
            let sent, received, joined, bare, made, full, wrong: Answer
        }

        private func withPages(_ body: (Pages) async throws -> Void) async throws {
            let process = try ChildProcess("python3", [Sources.path("Clients/page.py"), Sources.path("Clients")])
            defer { process.kill() }
            let line = try await process.errorLine { $0.hasPrefix("port ") }
            try await body(Pages(process: process, origin: "http://127.0.0.1:" + line.dropFirst(5)))
        }
    }
}

/// The pages of another origin, and the browsers that show them.
private struct Pages {
    let process: ChildProcess
    let origin: String

    struct Report {
        let text: String

        func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
            do {
                return try JSONDecoder().decode(type, from: Data(text.utf8))
            } catch {
                Issue.record("the page reports: \(text)")
                throw error
            }
        }
    }

    /// Opens a browser on the page, which plays that role.
    func open(_ role: String, of server: LaurelProcess) throws -> HeadlessBrowser {
        try HeadlessBrowser("\(origin)/page.html?laurel=\(server.url)&role=\(role)")
    }

    /// What the next page reports, or the one after `earlierCount` others.
    func report(after earlierCount: Int = 0) async throws -> Report {
        let line = try await process.errorLine(after: earlierCount) { $0.hasPrefix("report ") }
        return Report(text: String(line.dropFirst(7)))
    }
}

/// Debian's Chromium without a window, in a profile of its own.
private struct HeadlessBrowser {
    private let process: ChildProcess
    private let profile: URL

    init(_ url: String) throws {
        profile = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        process = try ChildProcess(
            "chromium",
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-popup-blocking", "--user-data-dir=" + profile.path(), url,
            ])
    }

    func close() {
        process.signal(SIGTERM)
        try? FileManager.default.removeItem(at: profile)
    }
}
