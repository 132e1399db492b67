import Consensus
import MailModel
import MailTestSupport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// Where settings come from, how their values are read, and what is said of those that cannot be used.
@Suite struct SettingsReaderTests {
    private let temporary = TemporaryDirectory()

    private func reader(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        yaml: String? = nil
    ) async throws -> SettingsReader {
        if let yaml { temporary.write("settings.yaml", yaml) }
        let file = yaml.map { _ in temporary.path + "/settings.yaml" }
        return try await SettingsReader.open(flags: flags, environment: environment, file: file)
    }

    private func node(_ flags: [String: String]) async throws -> NodeSettings {
        try await NodeSettings(reader(flags: flags))
    }

    /// The sentence of what goes wrong; nil where nothing does.
    private func complaint(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? SettingError)?.description ?? "another error: \(error)"
        }
    }

    // MARK: Names

    @Test func `each setting has a flag, a variable and a place in the file`() {
        let specs = SettingSpec.all
        for names in [specs.map(\.key), specs.map(\.flag), specs.map(\.variable)] {
            #expect(Set(names).count == specs.count)
        }
        let spec = SettingSpec("imap.max-sessions-per-account", "50", "")
        #expect(spec.flag == "--imap-max-sessions-per-account")
        #expect(spec.variable == "STAFFETTA_IMAP_MAX_SESSIONS_PER_ACCOUNT")
        #expect(specs.allSatisfy { !$0.help.isEmpty })
    }

    @Test func `what is set nowhere has its default`() async throws {
        let reader = try await reader()
        for spec in SettingSpec.all { #expect(try reader.text(spec.key) == spec.defaultValue) }
        // All defaults can be used.
        let settings = try NodeSettings(reader)
        #expect(settings.node == NodeID(1) && settings.mailGroups == 8 && settings.dataDirectory == "./staffetta-data")
        #expect(settings.peers == [NodeSettings.Peer(node: NodeID(1), host: "127.0.0.1", port: 14_000)])
    }

    @Test(arguments: SettingSpec.all.map(\.key))
    func `each setting is read from each place`(_ key: String) async throws {
        let spec = try #require(SettingSpec.all.first { $0.key == key })
        let parts = key.split(separator: ".")
        let yaml =
            parts.enumerated().map { String(repeating: " ", count: $0.offset) + $0.element + ":" }
            .joined(separator: "\n") + " \"from the file\"\n"
        #expect(try await reader(yaml: yaml).text(key) == "from the file")
        let environment = [spec.variable: "from the environment"]
        #expect(try await reader(environment: environment, yaml: yaml).text(key) == "from the environment")
        let flags = [key: "from the command line"]
        #expect(
            try await reader(flags: flags, environment: environment, yaml: yaml).text(key) == "from the command line"
        )
    }

    // MARK: The file

    @Test(arguments: [
        ("node: {id: 5}", "node.id", "5"), ("node:\n  id: \"5\"\n", "node.id", "5"),
        ("imap:\n  plaintext-login: true\n", "imap.plaintext-login", "true"),
        ("imap: {plaintext-login: \"yes\"}", "imap.plaintext-login", "yes"),
        ("cluster: {name: la posta}", "cluster.name", "la posta"),
        ("cluster:\n  peers: 1=a:1,2=b:2\n", "cluster.peers", "1=a:1,2=b:2"),
        ("# nothing\n", "cluster.name", "staffetta"), ("", "cluster.name", "staffetta"),
        ("---\n", "cluster.name", "staffetta"),
    ])
    func `a file that can be read`(_ yaml: String, _ key: String, _ value: String) async throws {
        #expect(try await reader(yaml: yaml).text(key) == value)
    }

    @Test(arguments: [
        ("node: {ide: 5}", "node.ide"), ("nodes: 1", "nodes"), ("node: 1", "node"), ("a: {b: {c: 1}}", "a.b.c"),
        ("node: {id: {x: 1}}", "node.id.x"), ("just words", "no settings"), ("- a\n- b\n", "no settings"),
        ("a: [", "not YAML"),
        ("\tx: 1", "not YAML"),
    ])
    func `a file with a mistake is refused by name`(_ yaml: String, _ word: String) async {
        let complaint = await complaint { _ = try await reader(yaml: yaml) }
        #expect(
            complaint?.contains(word) == true && complaint?.contains(temporary.path) == true,
            "\(complaint ?? "none")"
        )
    }

    @Test func `a file that is not there is an error`() async {
        let complaint = await complaint {
            _ = try await SettingsReader.open(flags: [:], environment: [:], file: temporary.path + "/none.yaml")
        }
        #expect(complaint?.contains("\(temporary.path)/none.yaml cannot be read") == true)
    }

    /// What is left out in silence would be a node that begins a cluster of its own.
    @Test(arguments: ["cluster:\n  peers: [1=a:1]\n", "cluster:\n  peers:\n    - 1=a:1\n    - 2=b:2\n"])
    func `a list is no value`(_ yaml: String) async {
        let complaint = await complaint { _ = try await reader(yaml: yaml) }
        #expect(complaint?.contains("cluster.peers") == true && complaint?.contains("one value") == true)
    }

    // MARK: Values

    @Test(arguments: [
        ("true", true), ("yes", true), ("on", true), ("1", true), ("TRUE", true), ("false", false), ("no", false),
        ("off", false),
        ("0", false), ("No", false),
    ])
    func `a flag is on or off`(_ text: String, _ value: Bool) async throws {
        #expect(try await reader(flags: ["imap.plaintext-login": text]).flag("imap.plaintext-login") == value)
    }

    @Test(arguments: ["", "maybe", "2", "yes please"])
    func `no flag`(_ text: String) async throws {
        let reader = try await reader(flags: ["imap.plaintext-login": text])
        #expect(
            await complaint { _ = try reader.flag("imap.plaintext-login") }
                == "setting imap.plaintext-login (command line): \"\(text)\" cannot be used: expected true or false"
        )
    }

    @Test(arguments: [
        ("1", 1), ("9", 9), ("007", 7), ("0", nil), ("10", nil), ("-1", nil), ("", nil), ("1.5", nil), ("1 ", nil),
        ("one", nil),
    ])
    func `a number is within its range`(_ text: String, _ value: Int?) async throws {
        let reader = try await reader(environment: ["STAFFETTA_NODE_ID": text])
        if let value {
            #expect(try reader.integer("node.id", 1...9) == value)
        } else {
            let complaint = await complaint { _ = try reader.integer("node.id", 1...9) }
            #expect(
                complaint?.contains("expected a number from 1 to 9") == true
                    && complaint?.contains("environment") == true
            )
        }
    }

    @Test func `a choice is one of those there are`() async throws {
        let reader = try await reader(flags: ["lmtp.over-quota": "bounce", "log.level": "debug"])
        #expect(try reader.choice("log.level", ["info", "debug"]) == "debug")
        #expect(
            await complaint { _ = try reader.choice("lmtp.over-quota", ["reject", "defer"]) }?.hasSuffix(
                "expected reject, defer"
            )
                == true
        )
    }

    @Test func `an empty setting is none`() async throws {
        let reader = try await reader(flags: ["imap.listen": "", "tls.key": "", "tls.certificate": "c.pem"])
        #expect(try reader.address("imap.listen") == nil)
        #expect(try reader.optional("tls.key") == nil)
        #expect(try reader.optional("tls.certificate") == "c.pem")
    }

    @Test(arguments: [
        ("a:1", "a", 1), ("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:143", "::1", 143), ("::1:143", "::1", 143),
        ("host:65535", "host", 65_535),
    ])
    func `a host and a port`(_ text: String, _ host: String, _ port: Int) async throws {
        let address = try #require(HostPort(text))
        #expect(address.host == host && address.port == port)
        #expect(HostPort("\(address)") == address)
        #expect(try await reader(flags: ["imap.listen": text]).address("imap.listen") == address)
    }

    @Test(arguments: ["a", ":1", "a:", "a:65536", "a:-1", "a:b", "[]:1", "a:1 "])
    func `no host and port`(_ text: String) async throws {
        #expect(HostPort(text) == nil)
        let reader = try await reader(flags: ["imap.listen": text])
        #expect(await complaint { _ = try reader.address("imap.listen") }?.contains("expected host:port") == true)
    }

    @Test func `pairs keep their order, and a value may hold what separates them`() async throws {
        let reader = try await reader(flags: ["node.labels": "b=1,a=2=3"])
        #expect(try reader.pairs("node.labels", expected: "x").map { "\($0.0)/\($0.1)" } == ["b/1", "a/2=3"])
        for text in ["b", "b=", "=1", "a=1,b"] {
            let bad = try await self.reader(flags: ["node.labels": text])
            #expect(
                await complaint { _ = try bad.pairs("node.labels", expected: "key=value") }?.hasSuffix(
                    "expected key=value"
                ) == true
            )
        }
    }

    // MARK: A node's settings

    @Test func `peers are all nodes, this one included`() async throws {
        let settings = try await node([
            "node.id": "2", "cluster.peers": "1=a:1,2=[::1]:2,9=c:3", "node.labels": "vendor=alfa",
        ])
        #expect(
            settings.peers == [
                NodeSettings.Peer(node: NodeID(1), host: "a", port: 1),
                NodeSettings.Peer(node: NodeID(2), host: "::1", port: 2),
                NodeSettings.Peer(node: NodeID(9), host: "c", port: 3),
            ]
        )
        #expect(settings.labels.map { "\($0.key)=\($0.value)" } == ["vendor=alfa"])
    }

    @Test(arguments: [
        (["cluster.peers": "2=b:2"], "does not name this node"),
        (["cluster.peers": "1=a:1,1=b:2"], "names node 1 twice"),
        (["cluster.peers": "1=a"], "node=host:port"), (["cluster.peers": "0=a:1"], "node=host:port"),
        (["cluster.peers": "x=a:1"], "node=host:port"), (["cluster.peers": "a:1"], "cluster.peers"),
        (["peer.listen": ""], "peer.listen is empty"),
        (["peer.tls.certificate": "c.pem"], "peer.tls.key and peer.tls.roots"),
        (["peer.tls.certificate": "c.pem", "peer.tls.key": "k.pem"], "peer.tls.key and peer.tls.roots"),
        (["cluster.groups": "0"], "1 to 16384"), (["cluster.groups": "16385"], "1 to 16384"),
        (["node.id": "0"], "1 to 2147483647"),
        (["snapshot.bytes-per-second": "1000"], "expected 0 (no limit)"), (["raft.election-ticks": "3"], "4 to 1000"),
        (["node.labels": "vendor"], "key=value"), (["threads.read": "0"], "1 to 256"),
    ])
    func `settings that do not go together`(_ flags: [String: String], _ word: String) async {
        let complaint = await complaint { _ = try await node(flags) }
        #expect(complaint?.contains(word) == true, "\(complaint ?? "none")")
    }

    @Test func `what the settings come to`() async throws {
        let settings = try await node([
            "peer.tls.certificate": "c.pem", "peer.tls.key": "k.pem", "peer.tls.roots": "r.pem",
            "snapshot.bytes-per-second": "0",
            "log.retain-entries": "100", "raft.cache-bytes": "9000000", "cluster.groups": "8",
            "verify.interval-seconds": "5",
        ])
        #expect(
            settings.peerCertificates
                == NodeSettings.PeerCertificates(certificateFile: "c.pem", keyFile: "k.pem", trustRootsFile: "r.pem")
        )
        #expect(settings.core.snapshots.bytesPerSecond == 0 && settings.core.retainedEntries == 100)
        // The log is cut in steps that fit what is kept.
        #expect(settings.core.compactionStep == 50)
        // Of the directory's group and eight others.
        #expect(settings.core.replica.cacheBytes == 1_000_000)
        #expect(settings.core.verification.intervalMilliseconds == 5_000)
        // However many groups share it, each has something.
        #expect(try await node(["raft.cache-bytes": "0"]).core.replica.cacheBytes == 65_536)
    }

    @Test func `clusters of different names have different numbers`() async throws {
        let names = ["staffetta", "staffetta2", "posta"]
        var numbers: Set<UInt64> = []
        for name in names { numbers.insert(try await node(["cluster.name": name]).clusterID) }
        #expect(numbers.count == names.count)
        #expect(try await node(["cluster.name": "posta"]).clusterID == node(["cluster.name": "posta"]).clusterID)
    }
}
