// swift-tools-version: 6.2
import PackageDescription

/// Every target is built with the same, strict settings: what a later language mode will demand is demanded now.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Targets that call C directly also account for every unsafe construct.
let strictMemory: [SwiftSetting] = strict + [.strictMemorySafety()]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

/// Tests are compiled without optimisation, what they test with it: to optimise tests as large as the code takes longer
/// than it saves.
let unoptimised: [SwiftSetting] = [.unsafeFlags(["-Onone"], .when(configuration: .release))]

func tests(_ module: String, _ extra: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(module)Tests",
        dependencies: [.byName(name: module)] + extra,
        exclude: exclude,
        swiftSettings: strict + unoptimised
    )
}

let package = Package(
    name: "staffetta",
    traits: [
        .trait(name: "Mutants", description: "Lets the simulator put known bugs back, to see that it finds them.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // Pure: no I/O, clock, randomness, locks, async, Foundation.
        .target(name: "Consensus", swiftSettings: strict),
        .target(name: "MailModel", dependencies: ["Consensus", nioCore], swiftSettings: strict),
        .target(name: "MessageFormat", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "IMAPSyntax", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "IMAPSession", dependencies: ["IMAPSyntax", "MailModel", nioCore], swiftSettings: strict),

        .target(name: "ReplicaCore", dependencies: ["Consensus", nioCore], swiftSettings: strict),
        .target(name: "Placement", dependencies: ["Consensus", "MailModel"], swiftSettings: strict),

        .target(
            name: "Authentication",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),

        // A binding of its own, so that the pure modules stay pure: charsets through the platform's iconv.
        .target(name: "CharsetConversion", swiftSettings: strictMemory),

        // Storage.
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        .target(name: "CRocksCalls", dependencies: ["CRocksDB"]),
        .target(
            name: "StateStorage",
            dependencies: ["CRocksDB", "CRocksCalls", nioCore, nioLocks],
            swiftSettings: strictMemory
        ),
        .target(name: "CChecksum"),
        .target(
            name: "LogStorage",
            dependencies: ["Consensus", "CChecksum", nioCore, nioLocks],
            swiftSettings: strictMemory
        ),

        .target(
            name: "MailStore",
            dependencies: ["Consensus", "MailModel", "MessageFormat", "StateStorage", nioCore, nioLocks],
            swiftSettings: strict
        ),

        // Runtime.
        .target(
            name: "PeerTransport",
            dependencies: [
                "CChecksum", "Consensus", "MailModel", "ReplicaCore", nioCore, nioPosix, nioLocks, nioSSL, logging,
            ],
            swiftSettings: strictMemory
        ),
        .target(
            name: "NodeRuntime",
            dependencies: [
                "Authentication", "CSemaphore", "Consensus", "LogStorage", "MailModel", "MailStore", "PeerTransport",
                "Placement", "ReplicaCore", "StateStorage",
                nioCore, nioPosix, nioLocks, nioSSL, logging,
                .product(name: "Atomics", package: "swift-atomics"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),

        // Fronts.
        .target(
            name: "GatewaySupport",
            dependencies: ["MailModel", nioCore, nioLocks, logging],
            swiftSettings: strict
        ),
        .target(
            name: "LMTPGateway",
            dependencies: [
                "GatewaySupport", "MailModel", "MessageFormat", nioCore, nioPosix, nioSSL, logging,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),

        // Generated: kept apart from the settings that hand-written code is under.
        .target(
            name: "AdminAPI",
            dependencies: [
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Generated/checksum.txt"],
            swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]
        ),
        .target(
            name: "AdminService",
            dependencies: [
                "AdminAPI", "Consensus", "MailModel", "NodeRuntime", "Placement",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: strict
        ),

        .systemLibrary(name: "CAllocator"),
        .systemLibrary(name: "CSemaphore"),

        // What a load is made of and what is said of it: pure, so that it can be tested without a server.
        .target(
            name: "LoadModel",
            dependencies: ["Consensus", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: strict
        ),

        // Programs: argument parsing and wiring.
        .target(
            name: "ServerProcess",
            dependencies: [
                "AdminService", "CAllocator", "Consensus", "GatewaySupport", "IMAPGateway", "IMAPSession", "IMAPSyntax",
                "LMTPGateway", "NodeRuntime", nioCore, nioPosix, nioSSL, logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "DevCluster",
            dependencies: [
                "AdminAPI",
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "staffetta",
            dependencies: ["DevCluster", "NodeRuntime", "ServerProcess", arguments, signals, logging, systemPackage],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "staffetta-bench",
            dependencies: [
                "AdminAPI", "CAllocator", "Consensus", "LoadModel", "MailModel", "MailStore", "StateStorage", arguments,
                nioCore, nioLocks, systemPackage,
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "staffettactl",
            dependencies: [
                "AdminAPI", arguments, systemPackage,
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: strict
        ),

        // Fronts.
        .target(
            name: "IMAPGateway",
            dependencies: [
                "CharsetConversion", "GatewaySupport", "IMAPSession", "IMAPSyntax", "MailModel", "MessageFormat",
                nioCore, nioPosix, nioLocks, nioSSL, logging,
            ],
            swiftSettings: strict
        ),

        // Tools.
        .target(
            name: "Simulation",
            dependencies: [
                "Consensus", "IMAPGateway", "IMAPSession", "LMTPGateway", "LogStorage", "MailModel", "MailStore",
                "NodeRuntime", "PeerTransport", "ReplicaCore", "StateStorage", nioCore, nioEmbedded,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "staffetta-sim",
            dependencies: [
                "Consensus", "Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),

        // Tests.
        tests("Simulation", ["Consensus", "MailModel", "MailStore", "StateStorage", nioCore]),
        tests("ReplicaCore", ["Consensus", nioCore]),
        tests("Placement", ["Consensus", "MailModel"]),
        .target(
            name: "MailTestSupport",
            dependencies: ["Consensus", "MailModel", "MailStore", "StateStorage", nioCore, nioLocks],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "harm-state",
            dependencies: ["Consensus", "MailStore", "StateStorage", nioCore],
            path: "Tests/ClusterTests/harm-state",
            swiftSettings: strict
        ),
        tests("Consensus", exclude: ["Scripts"]),
        tests("MailModel", ["Consensus", nioCore]),
        tests(
            "PeerTransport",
            ["Consensus", "MailModel", "ReplicaCore", nioCore, nioPosix, nioSSL, nioLocks, logging]
        ),
        tests("GatewaySupport", [nioCore, nioEmbedded]),
        tests(
            "LMTPGateway",
            [
                "Consensus", "GatewaySupport", "MailModel", "MailTestSupport", nioCore, nioPosix, nioLocks, nioSSL,
                logging,
            ]
        ),
        tests("AdminService", ["AdminAPI", "NodeRuntime", .product(name: "GRPCCore", package: "grpc-swift-2")]),
        .testTarget(name: "TidyTests", swiftSettings: strict + unoptimised),
        tests("Authentication"),
        tests("LoadModel", ["Consensus"]),
        tests("CharsetConversion"),
        tests("MessageFormat", ["CharsetConversion", "Consensus", nioCore]),
        tests("IMAPSyntax", ["Consensus", nioCore]),
        tests("StateStorage", ["Consensus", "MailTestSupport", nioCore]),
        tests(
            "NodeRuntime",
            [
                "Consensus", "LogStorage", "MailModel", "MailStore", "MailTestSupport", "PeerTransport", "Placement",
                "ReplicaCore", "StateStorage", logging, nioCore, nioLocks, nioPosix,
            ]
        ),
        tests("MailStore", ["Consensus", "MailModel", "MailTestSupport", "StateStorage", nioCore]),
        tests("LogStorage", ["Consensus", "CChecksum", "MailTestSupport", nioCore]),
        tests("IMAPSession", ["IMAPSyntax", "MailModel", "MailTestSupport", nioCore]),
        tests(
            "IMAPGateway",
            [
                "GatewaySupport", "IMAPSession", "IMAPSyntax", "MailModel", "MailTestSupport", nioCore, nioPosix,
                nioLocks, nioSSL, logging,
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
