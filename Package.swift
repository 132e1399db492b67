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
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")

func tests(_ module: String, _ extra: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(module)Tests",
        dependencies: [.byName(name: module)] + extra,
        exclude: [],
        swiftSettings: strict
    )
}

let package = Package(
    name: "staffetta",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2")
    ],
    targets: [
        // Pure: no I/O, clock, randomness, locks, async, Foundation.
        .target(name: "Consensus", swiftSettings: strict),
        .target(name: "MailModel", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "MessageFormat", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "IMAPSyntax", dependencies: [nioCore], swiftSettings: strict),

        // Storage.
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        .target(name: "StateStorage", dependencies: ["CRocksDB", nioCore, nioLocks], swiftSettings: strictMemory),
        .target(name: "CChecksum"),
        .target(
            name: "LogStorage",
            dependencies: ["Consensus", "CChecksum", nioCore, nioLocks],
            swiftSettings: strictMemory
        ),

        // Tests.
        tests("Consensus"),
        tests("MailModel", [nioCore]),
        tests("MessageFormat", [nioCore]),
        tests("IMAPSyntax", [nioCore]),
        tests("StateStorage", [nioCore]),
        tests("LogStorage", ["Consensus", "CChecksum", nioCore]),
    ],
    swiftLanguageModes: [.v6]
)
