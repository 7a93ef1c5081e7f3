import Foundation
import Testing

@Suite("The article 'Writing a backend'")
struct ArticleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func article() throws -> String {
        try text("Sources/Channels/Documentation.docc/WritingABackend.md")
    }

    /// What stands between ```` ```swift ```` and the end of the block, line feeds included.
    private static func swiftBlocks(of text: String) -> [String] {
        text.components(separatedBy: "\n```swift\n").dropFirst().map { rest in
            rest.components(separatedBy: "\n```")[0] + "\n"
        }
    }

    /// Where the article has it, and where it is here.
    private static let files = [
        ("Sources/FolderBackend/FolderBackend.swift", "Tests/FolderBackend/FolderBackend.swift"),
        ("Sources/FolderBackend/Folder.swift", "Tests/FolderBackend/Folder.swift"),
        ("Sources/FolderBackend/Entry.swift", "Tests/FolderBackend/Entry.swift"),
        ("Tests/FolderBackendTests/ConformanceTests.swift", "Tests/FolderBackendTests/ConformanceTests.swift"),
        ("Sources/folder-laurel/main.swift", "Tests/folder-laurel/main.swift"),
    ]

    @Test("It shows the example as it is, each file whole and under its name", arguments: files)
    func file(shown: String, path: String) throws {
        let (article, source) = (try Self.article(), try Self.text(path))
        #expect(Self.swiftBlocks(of: article).contains(source), "\(path) is not what the article shows")
        #expect(article.contains("`\(shown)`"))
    }

    @Test("It shows all of the example")
    func complete() throws {
        let folder = Self.root.appending(path: "Tests/FolderBackend").path()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let shown = Self.files.map(\.1)
        #expect(names.allSatisfy { shown.contains("Tests/FolderBackend/\($0)") })
    }

    @Test("The README shows the same ten lines")
    func readme() throws {
        let program = try Self.text("Tests/folder-laurel/main.swift")
        #expect(Self.swiftBlocks(of: try Self.text("README.md")).contains(program))
        #expect(program.split(separator: "\n", omittingEmptySubsequences: false).count <= 10)
    }

    @Test("The products that its package names are ours")
    func products() throws {
        let manifest = try Self.text("Package.swift")
        let block = try #require(
            Self.swiftBlocks(of: try Self.article()).first { $0.contains("import PackageDescription") })
        let products = block.matches(of: /\.product\(name: "(\w+)", package: "laurel"\)/).map { String($0.1) }
        #expect(Set(products) == ["Channels", "ChannelsTesting", "LaurelServer"])
        for product in products {
            #expect(manifest.contains(".library(name: \"\(product)\", targets: [\"\(product)\"])"))
        }
        let tools = try #require(manifest.split(separator: "\n").first)
        #expect(block.hasPrefix(tools))
    }

    @Test("The five methods are those of the protocol, word for word")
    func signatures() throws {
        let block = try #require(Self.swiftBlocks(of: try Self.article()).first { $0.hasPrefix("func send(") })
        let signatures = block.split(separator: "\n")
        let lines = Set(
            try Self.text("Sources/Channels/ChannelBackend.swift").split(separator: "\n").map {
                $0.trimmingPrefix { $0 == " " }
            })
        #expect(signatures.count == 5)
        for signature in signatures { #expect(lines.contains(signature), "\(signature)") }
    }

    @Test("The initialisers in its table are there, each with these labels")
    func initialisers() throws {
        let folder = "Sources/Channels"
        let sources = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: folder).path())
            .filter { $0.hasSuffix(".swift") }.map { try Self.text("\(folder)/\($0)") }
        let shown = try Self.article().matches(of: /\n\| `([\w.]+)\(((?:\w+:)+)\)` \|/)
        #expect(shown.count == 7)
        for type in shown {
            let name = String(type.1.split(separator: ".").last ?? "")
            let declared = sources.flatMap { $0.components(separatedBy: "struct \(name): ").dropFirst() }
            // Its own, perhaps behind those of a type inside.
            let labels = try #require(declared.first).matches(of: /public init\(([^{]*)\) \{/).map { match in
                match.1.matches(of: /(?:^|,)\s*(\w+)(?: \w+)?:/).map { "\($0.1):" }.joined()
            }
            #expect(labels.contains(String(type.2)), "\(type.1)")
        }
    }
}
