/// One setting as operators know it: `lmtp.listen` in the file, `STAFFETTA_LMTP_LISTEN` in the environment,
/// `--lmtp-listen` on the command line.
public struct SettingSpec: Sendable {
    /// The name in a settings file, with a dot between its parts.
    public let key: String
    /// What holds where no source has the setting, as it would stand in a file.
    public let defaultValue: String
    /// What the setting decides, for `staffetta serve --help`.
    public let help: String

    init(_ key: String, _ defaultValue: String, _ help: String) {
        self.key = key
        self.defaultValue = defaultValue
        self.help = help
    }

    /// The option of the command line that sets this, with its two dashes.
    public var flag: String { "--" + key.split(separator: ".").joined(separator: "-") }

    /// The environment variable that sets this.
    public var variable: String {
        "STAFFETTA_" + key.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Every setting of `staffetta serve`, in the order in which help shows them.
    public static let all: [SettingSpec] = [
        SettingSpec("data.directory", "./staffetta-data", "where this node keeps everything"),
        SettingSpec("node.id", "1", "number of this node; never used again for another"),
        SettingSpec("node.labels", "", "where the node stands, such as datacenter=milano,vendor=alfa"),
        SettingSpec("cluster.name", "staffetta", "the cluster's name, the same on all nodes"),
        SettingSpec("cluster.groups", "8", "groups that share the accounts; fixed when the cluster is founded"),
        SettingSpec("cluster.peers", "", "all nodes, such as 1=host1:14000,2=host2:14000; empty: this node alone"),
        SettingSpec("join", "", "peer addresses of nodes of a cluster to join, host:port,...; for an empty directory"),
        SettingSpec("join-token", "", "what lets this node join: see `staffettactl node token create`"),
        SettingSpec("peer.advertise", "", "where other nodes reach this one, host:port; empty: peer.listen"),
        SettingSpec("peer.listen", "127.0.0.1:14000", "address for other nodes"),
        SettingSpec("peer.tls.certificate", "", "certificate chain (PEM) shown to other nodes; empty: no TLS"),
        SettingSpec("peer.tls.key", "", "its private key (PEM)"),
        SettingSpec("peer.tls.roots", "", "certificates (PEM) that vouch for the other nodes"),
        SettingSpec("admin.listen", "127.0.0.1:14001", "address for staffettactl (gRPC); empty: none"),
        SettingSpec("imap.listen", "127.0.0.1:14003", "address for IMAP; empty: none"),
        SettingSpec("imaps.listen", "", "address for IMAP over TLS; empty: none"),
        SettingSpec("lmtp.listen", "127.0.0.1:14005", "address for LMTP; empty: none"),
        SettingSpec("tls.certificate", "", "certificate chain (PEM) for IMAP and LMTP; empty: no TLS"),
        SettingSpec("tls.key", "", "its private key (PEM)"),
        SettingSpec("imap.plaintext-login", "false", "allow LOGIN and AUTHENTICATE PLAIN without TLS"),
        SettingSpec("imap.max-sessions", "10000", "IMAP connections at once"),
        SettingSpec("imap.max-sessions-per-account", "50", "of one account, on this node; 0: any number"),
        SettingSpec("imap.max-sessions-per-address", "200", "of one client address, on this node; 0: any number"),
        SettingSpec("imap.unlimited-addresses", "127.0.0.0/8,::1", "proxies and webmail: no limit per address"),
        SettingSpec("login.default-domain", "", "what login names without a domain get; empty: nothing"),
        SettingSpec("login.remember-seconds", "900", "a right password is known so long after its last use; 0: not"),
        SettingSpec("lmtp.max-sessions", "1000", "LMTP connections at once"),
        SettingSpec("lmtp.max-sessions-per-address", "500", "of one client address, on this node; 0: any number"),
        SettingSpec("lmtp.unlimited-addresses", "127.0.0.0/8,::1", "mail gateways without a limit per address"),
        SettingSpec("lmtp.hostname", "localhost", "the name in LMTP greetings"),
        SettingSpec("lmtp.over-quota", "reject", "a full mailbox answers 552 (reject) or 452 (defer)"),
        SettingSpec("address.detail-separator", "+", "user+detail@domain reaches user@domain; empty: it does not"),
        SettingSpec("address.postmaster", "", "account that gets mail for <postmaster>; empty: none"),
        SettingSpec("message.max-bytes", "52428800", "largest message, by LMTP and APPEND"),
        SettingSpec("mail.expunged-retention-seconds", "1209600", "expunged messages are kept so long: 14 days"),
        SettingSpec("log.level", "info", "trace, debug, info, notice, warning, error or critical"),
        SettingSpec("log.retain-entries", "10000", "entries per group kept for followers that lag"),
        SettingSpec("log.retain-bytes", "67108864", "and at most so many payload bytes per group"),
        SettingSpec("disk.reserve-bytes", "1073741824", "with less free than this, no new mail is taken in"),
        SettingSpec("raft.cache-bytes", "67108864", "newest log entries kept in memory for followers, of all groups"),
        SettingSpec("raft.tick-milliseconds", "50", "unit of the election clock"),
        SettingSpec("raft.election-ticks", "12", "ticks without a leader before an election"),
        SettingSpec("raft.lease-ticks", "0", "so long after a quorum's answer a leader reads alone; 0: never"),
        SettingSpec("snapshot.bytes-per-second", "134217728", "what this node sends of snapshots; 0: no limit"),
        SettingSpec("state.memory-bytes", "67108864", "write buffer of rows, and of bodies; each up to 4 times"),
        SettingSpec("verify.interval-seconds", "86400", "how often replicas compare their digests; 0: only on demand"),
        SettingSpec("verify.scrub-bytes-per-second", "16777216", "pace of reading all rows for it; 0: only on demand"),
        SettingSpec("threads.io", "2", "event loops for sockets"),
        SettingSpec("threads.loops", "0", "threads that step groups; 0: half of the processors"),
        SettingSpec("threads.appliers", "0", "threads that apply entries to the state; 0: half of the processors"),
        SettingSpec("threads.read", "4", "threads for reads that may wait for the disk"),
        SettingSpec("threads.password", "1", "threads for password checks"),
    ]
}

/// A setting that cannot be used: which, where it comes from, and what was expected.
public struct SettingError: Error, Sendable, CustomStringConvertible {
    public let description: String

    /// A value that a source gives and that cannot be used.
    ///
    /// - Parameters:
    ///   - source: where the value comes from, such as `environment`.
    ///   - expected: what the setting takes, to follow "expected".
    public init(_ key: String, value: String, source: String, expected: String) {
        description = "setting \(key) (\(source)): \"\(value)\" cannot be used: expected \(expected)"
    }

    public init(_ sentence: String) { description = sentence }
}
