// swift-tools-version: 6.2
import Foundation
import PackageDescription

// In CI, a warning is an error (STYLE: warnings are errors). A user who builds with a newer compiler is spared that.
let strict: [SwiftSetting] =
    ProcessInfo.processInfo.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let settings: [SwiftSetting] =
    strict + [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]

/// A room of the house: one target. `imports` are the rooms, and the libraries, that it may import and nothing else.
func room(_ name: String, imports: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: settings)
}

func tests(_ name: String, imports: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: imports, exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "laurel",
    products: [
        .executable(name: "laurel", targets: ["laurel"]),
        .library(name: "Channels", targets: ["Channels"]),
        .library(name: "ChannelsMemory", targets: ["ChannelsMemory"]),
        .library(name: "ChannelsTesting", targets: ["ChannelsTesting"]),
        .library(name: "ChannelsSQLite", targets: ["ChannelsSQLite"]),
        .library(name: "ChannelsRedis", targets: ["ChannelsRedis"]),
        .library(name: "LaurelServer", targets: ["LaurelServer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .target(name: "CLinux"),
        room("Reactor", imports: ["CLinux"]),
        room("HTTPCore"),
        room("HTTPServer", imports: ["Reactor", "HTTPCore"]),
        room("Channels"),
        room("ChannelsMemory", imports: ["Channels"]),
        room(
            "ChannelsSQLite",
            imports: [
                "Channels", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(
            name: "ChannelsRedis", dependencies: ["Channels", "Reactor", "CHiredis"],
            resources: [
                "rows", "queues", "groups", "settling", "bells", "messages", "sweeping", "operations",
            ].map { .embedInCode("Scripts/\($0).lua") },
            swiftSettings: settings),
        room("ChannelsHTTP", imports: ["Channels", "HTTPCore"]),
        room("ChannelsTesting", imports: ["Channels"]),
        room(
            "LoadGenerator",
            imports: ["Reactor", .product(name: "Histogram", package: "hdrhistogram-swift")]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        room("HTTPClient", imports: ["CCurl"]),
        .target(
            name: "LaurelServer",
            dependencies: [
                "CLinux", "Reactor", "HTTPCore", "HTTPServer", "Channels", "ChannelsMemory", "ChannelsSQLite",
                "ChannelsRedis", "ChannelsHTTP", "HTTPClient", "LoadGenerator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [.embedInCode("openapi.yaml")],
            swiftSettings: settings
        ),
        .executableTarget(name: "laurel", dependencies: ["LaurelServer"], swiftSettings: settings),

        .executableTarget(
            name: "memory-benchmark", dependencies: ["Channels", "ChannelsMemory"],
            path: "Benchmarks/MemoryBackend", swiftSettings: settings),
        .target(name: "CProbe", path: "Benchmarks/CProbe"),
        .executableTarget(
            name: "micro-benchmark",
            dependencies: ["CLinux", "CProbe", "HTTPCore", "Channels", "ChannelsMemory", "ChannelsHTTP"],
            path: "Benchmarks/Micro", swiftSettings: settings),
        .executableTarget(
            name: "benchmark",
            dependencies: [
                "LoadGenerator", "Reactor", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "Benchmarks/Comparison", swiftSettings: settings),

        tests("HTTPCoreTests", imports: ["HTTPCore"]),
        tests("ReactorTests", imports: ["Reactor"]),
        tests("HTTPServerTests", imports: ["HTTPServer", "HTTPCore", "Reactor"]),
        tests("ChannelsTests", imports: ["Channels", "ChannelsTesting"]),
        .target(
            name: "ChannelsReference", dependencies: ["Channels"], path: "Tests/ChannelsReference",
            swiftSettings: settings),
        tests("ChannelsMemoryTests", imports: ["ChannelsMemory", "Channels", "ChannelsReference", "ChannelsTesting"]),
        tests("ChannelsTestingTests", imports: ["ChannelsTesting", "Channels", "ChannelsMemory", "ChannelsReference"]),
        tests(
            "ChannelsSQLiteTests",
            imports: [
                "ChannelsSQLite", "Channels", "ChannelsReference", "ChannelsTesting",
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]
        ),
        tests(
            "ChannelsRedisTests",
            imports: ["ChannelsRedis", "Channels", "ChannelsReference", "ChannelsTesting", "Reactor"]),
        tests(
            "ChannelsHTTPTests",
            imports: [
                "ChannelsHTTP", "Channels", "ChannelsMemory", "ChannelsReference", "ChannelsTesting", "HTTPCore",
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        // The example of the article "Writing a backend", and the server that it makes.
        .target(
            name: "FolderBackend", dependencies: ["Channels"], path: "Tests/FolderBackend", swiftSettings: settings),
        .executableTarget(
            name: "folder-laurel", dependencies: ["Channels", "FolderBackend", "LaurelServer"],
            path: "Tests/folder-laurel", swiftSettings: settings),
        // A server whose backend hangs.
        .executableTarget(
            name: "stuck-laurel", dependencies: ["Channels", "LaurelServer"], path: "Tests/stuck-laurel",
            swiftSettings: settings),
        tests("FolderBackendTests", imports: ["FolderBackend", "Channels", "ChannelsTesting"]),
        tests(
            "HarnessTests",
            imports: ["CLinux", "HTTPClient", "ChannelsReference", .product(name: "Yams", package: "Yams")],
            exclude: ["Clients"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
