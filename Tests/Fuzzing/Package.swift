// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nothing of it is built with the others: its flags (see `run`) are for everything in it.
// The modules are the house's, by symbolic link, without what opens connections.

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")

func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "Modules/\(name)",
        exclude: exclude,
        swiftSettings: settings
    )
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies + [nioCore], swiftSettings: settings)
}

let package = Package(
    name: "fuzzing",
    dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.2")],
    targets: [
        module("Consensus"),
        module("MailModel", ["Consensus", nioCore]),
        module("ReplicaCore", ["Consensus", nioCore]),
        .target(name: "CChecksum", path: "Modules/CChecksum"),
        module("LogStorage", ["Consensus", "CChecksum", nioCore, nioLocks]),
        module(
            "PeerTransport",
            ["CChecksum", "Consensus", "MailModel", "ReplicaCore", nioCore],
            exclude: [
                "AcceptedConnections.swift", "JoinCall.swift", "PeerComplaints.swift", "PeerLinks.swift",
                "PeerServer.swift", "PeerTLS.swift",
            ]
        ),
        .target(name: "FuzzSupport", dependencies: ["CChecksum", nioCore], swiftSettings: settings),
        .target(name: "FuzzDriver", swiftSettings: settings),
        program("fuzz-log", ["FuzzDriver", "Consensus", "FuzzSupport", "LogStorage"]),
        program("fuzz-peer", ["FuzzDriver", "Consensus", "FuzzSupport", "MailModel", "PeerTransport"]),
        program("fuzz-command", ["FuzzDriver", "FuzzSupport", "MailModel"]),
        program("seeds-log", ["Consensus", "FuzzSupport", "LogStorage"]),
        program("seeds-peer", ["Consensus", "FuzzSupport", "MailModel", "PeerTransport", "ReplicaCore"]),
        program("seeds-command", ["FuzzSupport", "MailModel"]),
    ],
    swiftLanguageModes: [.v6]
)
