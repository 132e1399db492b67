import Consensus
import MailModel
import MailTestSupport
import ReplicaCore
import Testing

@testable import NodeRuntime

@Suite struct SettingsTests {
    /// What a Kubernetes service called "staffetta" puts into every container of its namespace.
    @Test(arguments: [
        "STAFFETTA_SERVICE_HOST", "STAFFETTA_SERVICE_PORT", "STAFFETTA_SERVICE_PORT_IMAP", "STAFFETTA_PORT",
        "STAFFETTA_PORT_143_TCP", "STAFFETTA_PORT_143_TCP_ADDR", "STAFFETTA_PEERS_SERVICE_HOST",
        "STAFFETTA_PEERS_PORT_14000_TCP_PROTO",
    ])
    func variablesOfServicesAreNoSettings(_ name: String) async throws {
        _ = try await SettingsReader.open(flags: [:], environment: [name: "tcp://10.0.0.1:143"], file: nil)
    }

    @Test(arguments: ["STAFFETTA_LMTP_LISTENS", "STAFFETTA_NODE", "STAFFETTA_PORTS"])
    func misspeltVariablesAreNamed(_ name: String) async {
        await #expect { try await SettingsReader.open(flags: [:], environment: [name: "1"], file: nil) } throws: {
            "\($0)".contains(name)
        }
    }

    @Test func theCommandLineComesFirstThenTheEnvironment() async throws {
        let environment = ["STAFFETTA_NODE_ID": "2", "STAFFETTA_CLUSTER_GROUPS": "5"]
        let reader = try await SettingsReader.open(flags: ["node.id": "3"], environment: environment, file: nil)
        #expect(try reader.integer("node.id", 1...9) == 3)
        #expect(try reader.integer("cluster.groups", 1...9) == 5)
        #expect(try reader.text("lmtp.hostname") == "localhost")
    }

    /// What others use, not what this node listens on.
    @Test(arguments: [
        ("0.0.0.0:14000", "1=node-1:14000,2=node-2:14000", "node-1:14000"),
        ("[::]:14000", "2=node-2:1,1=[2001:db8::1]:14000", "[2001:db8::1]:14000"),
        ("127.0.0.1:14010", "", "127.0.0.1:14010"), ("[::1]:14010", "", "[::1]:14010"), ("0.0.0.0:14000", "", ""),
        ("[::]:14000", "", ""),
    ])
    func theAddressThatOthersUse(_ listen: String, _ peers: String, _ expected: String) async throws {
        let reader = try await SettingsReader.open(
            flags: ["peer.listen": listen, "cluster.peers": peers],
            environment: [:],
            file: nil
        )
        #expect(try NodeSettings(reader).advertisedAddress == expected)
    }

    @Test func aBadValueIsToldWithItsSettingAndSource() async throws {
        let environment = ["STAFFETTA_NODE_ID": "many"]
        let reader = try await SettingsReader.open(flags: [:], environment: environment, file: nil)
        #expect {
            try reader.integer("node.id", 1...9)
        } throws: { error in
            ["node.id", "environment", "many", "1 to 9"].allSatisfy { "\(error)".contains($0) }
        }
    }

    @Test func limitsPerClient() async throws {
        let reader = try await SettingsReader.open(
            flags: ["imap.unlimited-addresses": "192.0.2.7,10.0.0.0/8,::1", "login.default-domain": "example.org"],
            environment: [:],
            file: nil
        )
        #expect(try reader.addressRanges("imap.unlimited-addresses").count == 3)
        #expect(try reader.domain("login.default-domain") == "example.org")
        let usual = try await SettingsReader.open(flags: [:], environment: [:], file: nil)
        #expect(try usual.integer("imap.max-sessions-per-account", 0...1_000) == 50)
        #expect(try usual.integer("imap.max-sessions-per-address", 0...1_000) == 200)
        #expect(try usual.addressRanges("imap.unlimited-addresses").count == 2)
        #expect(try usual.integer("lmtp.max-sessions-per-address", 0...1_000) == 500)
        #expect(try usual.addressRanges("lmtp.unlimited-addresses").count == 2)
        #expect(try usual.domain("login.default-domain") == nil)
    }

    @Test(arguments: ["@example.org", "a@b", "exa mple.org", String(repeating: "x", count: 256)])
    func badDomainsAreNamed(_ domain: String) async throws {
        let reader = try await SettingsReader.open(
            flags: ["login.default-domain": domain],
            environment: [:],
            file: nil
        )
        #expect { try reader.domain("login.default-domain") } throws: { "\($0)".contains("login.default-domain") }
    }

    @Test(arguments: ["localhost", "10.0.0.0/33", "10.0.0.1:143"])
    func badAddressesAreNamed(_ text: String) async throws {
        let reader = try await SettingsReader.open(
            flags: ["imap.unlimited-addresses": "127.0.0.1,\(text)"],
            environment: [:],
            file: nil
        )
        #expect { try reader.addressRanges("imap.unlimited-addresses") } throws: { "\($0)".contains("10.0.0.0/8") }
    }

    @Test(arguments: [
        ([:], UInt8(ascii: "+")), (["address.detail-separator": ""], nil),
        (["address.detail-separator": "-"], UInt8(ascii: "-")),
    ])
    func aSeparatorIsOneCharacter(_ flags: [String: String], _ separator: UInt8?) async throws {
        let reader = try await SettingsReader.open(flags: flags, environment: [:], file: nil)
        #expect(try reader.separator("address.detail-separator") == separator)
    }

    @Test(arguments: ["++", "a", ".", "@", " ", "\"", "ü", "<"])
    func noSeparator(_ value: String) async throws {
        let environment = ["STAFFETTA_ADDRESS_DETAIL_SEPARATOR": value]
        let reader = try await SettingsReader.open(flags: [:], environment: environment, file: nil)
        #expect {
            try reader.separator("address.detail-separator")
        } throws: { "\($0)".contains("address.detail-separator") && "\($0)".contains("expected nothing, or one of") }
    }

    @Test func postmaster() async throws {
        let none = try await SettingsReader.open(flags: [:], environment: [:], file: nil)
        #expect(try none.account("address.postmaster") == nil)
        let flags = ["address.postmaster": "Anna@Example.org"]
        let some = try await SettingsReader.open(flags: flags, environment: [:], file: nil)
        #expect(try some.account("address.postmaster")?.text == "anna@example.org")
        let bad = try await SettingsReader.open(flags: ["address.postmaster": "anna"], environment: [:], file: nil)
        #expect {
            try bad.account("address.postmaster")
        } throws: { "\($0)".contains("an address, such as") }
    }

    /// Half of the processors, and at least one, where nothing or 0 is said.
    @Test(arguments: ["threads.loops", "threads.appliers"])
    func threadsOfTheNode(_ key: String) async throws {
        func count(_ flags: [String: String]) async throws -> Int {
            let core = try await NodeSettings(SettingsReader.open(flags: flags, environment: [:], file: nil)).core
            return key == "threads.loops" ? core.threads.loops : core.threads.appliers
        }
        let usual = try await count([:])
        #expect(usual >= 1)
        for (value, expected) in [("0", usual), ("1", 1), ("255", 255)] {
            #expect(try await count([key: value]) == expected)
        }
    }

    @Test(arguments: ["threads.loops", "threads.appliers"], ["-1", "257", "10000", "1.5", "two", ""])
    func threadsOutOfRangeAreRefused(_ key: String, _ value: String) async throws {
        let variable = "STAFFETTA_" + key.uppercased().split(separator: ".").joined(separator: "_")
        let file = TemporaryDirectory()
        file.write("settings.yaml", "threads:\n  \(key.split(separator: ".")[1]): \"\(value)\"\n")
        let range = key == "threads.loops" ? "from 0 to 255" : "from 0 to 256"
        for (source, flags, environment, name) in [
            ("command line", [key: value], [:], nil), ("environment", [:], [variable: value], nil),
            ("settings.yaml", [:], [:], "\(file.path)/settings.yaml"),
        ] as [(String, [String: String], [String: String], String?)] {
            let reader = try await SettingsReader.open(flags: flags, environment: environment, file: name)
            #expect {
                try NodeSettings(reader)
            } throws: { error in
                ["setting \(key)", source, "\"\(value)\"", range].allSatisfy { "\(error)".contains($0) }
            }
        }
    }

    @Test(arguments: [([:], nil), (["raft.lease-ticks": "6"], 6)] as [([String: String], Int?)])
    func aLeaseIsOffUnlessAskedFor(_ flags: [String: String], _ ticks: Int?) async throws {
        let settings = try await NodeSettings(SettingsReader.open(flags: flags, environment: [:], file: nil))
        #expect(settings.core.replica.raft.leaseTicks == ticks)
    }

    @Test(arguments: [["raft.lease-ticks": "7"], ["raft.lease-ticks": "1", "raft.election-ticks": "6"]])
    func aLeaseMustEndBeforeAnElection(_ flags: [String: String]) async throws {
        let reader = try await SettingsReader.open(flags: flags, environment: [:], file: nil)
        #expect {
            try NodeSettings(reader)
        } throws: { "\($0)".contains("raft.lease-ticks") && "\($0)".contains("raft.election-ticks") }
    }
}

@Suite struct VerificationPaceTests {
    /// However many loops a node has, all of them together read as fast as the operator said.
    @Test(arguments: [1, 2, 4, 16]) func theLoopsOfANodeShareThePaceOfScrubs(_ loops: Int) {
        var settings = VerificationSettings()
        settings.scrubBytesPerSecond = 16_000_000
        #expect(settings.scrubBytes(perMilliseconds: 50, loops: loops) == 800_000 / loops)
    }
}
