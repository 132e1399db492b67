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
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")

func tests(_ module: String, _ extra: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(module)Tests",
        dependencies: [.byName(name: module)] + extra,
        exclude: exclude,
        swiftSettings: strict
    )
}

let package = Package(
    name: "staffetta",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // Pure: no I/O, clock, randomness, locks, async, Foundation.
        .target(name: "Consensus", swiftSettings: strict),
        .target(name: "MailModel", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "MessageFormat", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "IMAPSyntax", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "IMAPSession", dependencies: ["IMAPSyntax", "MailModel", nioCore], swiftSettings: strict),

        .target(name: "ReplicaCore", dependencies: ["Consensus", nioCore], swiftSettings: strict),

        // Storage.
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        .target(name: "CChecksum"),
        .target(name: "StateStorage", dependencies: ["CRocksDB", nioCore, nioLocks], swiftSettings: strictMemory),
        .target(name: "LogStorage", dependencies: ["Consensus", nioCore], swiftSettings: strictMemory),

        .target(
            name: "MailStore",
            dependencies: ["Consensus", "MailModel", "StateStorage", nioCore],
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

        // Fronts.
        .target(
            name: "IMAPGateway",
            dependencies: [
                "IMAPSession", "IMAPSyntax", "MailModel", "MessageFormat", nioCore, nioPosix, nioLocks, nioSSL, logging,
            ],
            swiftSettings: strict
        ),

        // Tests.
        .target(
            name: "MailTestSupport",
            dependencies: ["Consensus", "MailModel", "MailStore", "StateStorage", nioCore, nioLocks],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("Consensus", exclude: ["Scripts"]),
        tests("MailModel", [nioCore]),
        tests("MessageFormat", [nioCore]),
        tests("IMAPSyntax", [nioCore]),
        tests("StateStorage", [nioCore]),
        tests("MailStore", ["Consensus", "MailModel", "StateStorage", nioCore]),
        tests("IMAPSession", ["IMAPSyntax", "MailModel", "MailTestSupport", nioCore]),
        tests(
            "IMAPGateway",
            ["IMAPSession", "IMAPSyntax", "MailModel", "MailTestSupport", nioCore, nioPosix, nioLocks, nioSSL, logging]
        ),
        tests("LogStorage", ["Consensus", nioCore]),
    ],
    swiftLanguageModes: [.v6]
)
