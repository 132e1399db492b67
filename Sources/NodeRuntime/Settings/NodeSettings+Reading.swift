internal import Consensus
internal import MailModel
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

extension NodeSettings {
    /// The part of the settings that concerns the node below its gateways.
    ///
    /// - Throws: ``SettingError``.
    public init(_ reader: SettingsReader) throws {
        let id = try reader.integer("node.id", 1...Int(Int32.max))
        self.init(
            node: NodeID(UInt64(id)),
            cluster: try reader.text("cluster.name"),
            dataDirectory: try reader.text("data.directory")
        )
        mailGroups = UInt32(try reader.integer("cluster.groups", 1...Slot.count))
        guard let listen = try reader.address("peer.listen") else {
            throw SettingError("setting peer.listen is empty: expected host:port")
        }
        peerHost = listen.host
        peerPort = listen.port
        peers = try Self.peers(reader, own: node, listen)
        advertised = try reader.address("peer.advertise")
        join = try reader.addresses("join")
        if let text = try reader.optional("join-token") {
            guard let secret = JoinSecret(text) else {
                throw SettingError("setting join-token is no token: `staffettactl node token create` prints one")
            }
            joinSecret = secret
        }
        guard join.isEmpty || joinSecret != nil else {
            throw SettingError("setting join needs join-token: `staffettactl node token create` prints one")
        }
        guard join.isEmpty || peers.count == 1 else {
            throw SettingError(
                "settings join and cluster.peers exclude each other: a node that joins learns the others"
            )
        }
        guard join.isEmpty || !advertisedAddress.isEmpty else {
            throw SettingError(
                "setting peer.advertise is empty, and peer.listen names no address that others can reach: "
                    + "set peer.advertise to host:port"
            )
        }
        labels = try reader.pairs("node.labels", expected: "key=value,key=value")
            .map { Label(key: $0.0, value: $0.1) }
        if let certificate = try reader.optional("peer.tls.certificate") {
            guard let key = try reader.optional("peer.tls.key"), let roots = try reader.optional("peer.tls.roots")
            else { throw SettingError("peer.tls.certificate needs peer.tls.key and peer.tls.roots as well") }
            peerCertificates = PeerCertificates(
                certificateFile: certificate,
                keyFile: key,
                trustRootsFile: roots
            )
        }
        core.retainedEntries = try reader.integer("log.retain-entries", 0...10_000_000)
        core.compactionStep = max(1, min(core.compactionStep, core.retainedEntries / 2))
        core.retainedBytes = try reader.integer("log.retain-bytes", 0...(1 << 40))
        let retentionSeconds = try reader.integer("mail.expunged-retention-seconds", 0...(10 * 366 * 86_400))
        core.housekeeping.expungedRetentionMilliseconds = 1_000 * Int64(retentionSeconds)
        core.disk.reservedBytes = try reader.integer("disk.reserve-bytes", 0...(1 << 50))
        let cacheBytes = try reader.integer("raft.cache-bytes", 0...(1 << 40))
        // The directory's group has its share as well.
        core.replica.cacheBytes = max(Self.minimumCacheBytes, cacheBytes / (Int(mailGroups) + 1))
        core.snapshots.bytesPerSecond = try reader.integer("snapshot.bytes-per-second", 0...(1 << 40))
        guard core.snapshots.bytesPerSecond == 0 || core.snapshots.bytesPerSecond >= core.snapshots.pieceBytes else {
            throw SettingError(
                "setting snapshot.bytes-per-second is \(core.snapshots.bytesPerSecond): expected 0 (no limit), "
                    + "or at least \(core.snapshots.pieceBytes)"
            )
        }
        core.tickMilliseconds = Int64(try reader.integer("raft.tick-milliseconds", 5...1_000))
        core.replica.raft.electionTimeoutTicks = try reader.integer("raft.election-ticks", 4...1_000)
        core.replica.raft.leaseTicks = try Self.leaseTicks(reader, core.replica.raft.electionTimeoutTicks)
        core.verification.intervalMilliseconds =
            1_000 * Int64(try reader.integer("verify.interval-seconds", 0...(1 << 30)))
        core.verification.scrubBytesPerSecond = try reader.integer("verify.scrub-bytes-per-second", 0...(1 << 40))
        core.threads.loops = try Self.threads(reader.integer("threads.loops", 0...PeerLimits.maximumLanes))
        core.threads.appliers = try Self.threads(reader.integer("threads.appliers", 0...256))
        readThreads = try reader.integer("threads.read", 1...256)
        passwordThreads = try reader.integer("threads.password", 1...64)
        passwordLifeMilliseconds = 1_000 * Int64(try reader.integer("login.remember-seconds", 0...86_400))
        stateMemoryBytes = try reader.integer("state.memory-bytes", (1 << 20)...(8 << 30))
    }

    /// - Parameter count: 0 for half of the processors, at least one.
    private static func threads(_ count: Int) -> Int {
        count > 0 ? count : max(1, min(System.coreCount / 2, PeerLimits.maximumLanes))
    }

    /// Of each group, however many there are.
    private static let minimumCacheBytes = 64 << 10

    private static func leaseTicks(_ reader: SettingsReader, _ electionTimeoutTicks: Int) throws -> Int? {
        let ticks = try reader.integer("raft.lease-ticks", 0...1_000)
        let longest = electionTimeoutTicks - CoreSettings.leaseMarginTicks
        guard ticks <= max(0, longest) else {
            throw SettingError(
                "setting raft.lease-ticks is \(ticks): expected 0 (off)"
                    + (longest > 0 ? ", or up to \(longest)," : "")
                    + " with raft.election-ticks \(electionTimeoutTicks), as a lease must end before an election can"
            )
        }
        return ticks == 0 ? nil : ticks
    }

    private static func peers(_ reader: SettingsReader, own: NodeID, _ listen: HostPort) throws -> [Peer] {
        let expected = "node=host:port for every node, such as 1=host1:14000,2=host2:14000"
        var peers: [Peer] = []
        for (id, address) in try reader.pairs("cluster.peers", expected: expected) {
            guard let id = UInt64(id), id > 0, let address = HostPort(address) else {
                throw SettingError(
                    "cluster.peers",
                    value: "\(id)=\(address)",
                    source: "an entry",
                    expected: expected
                )
            }
            guard !peers.contains(where: { $0.node.rawValue == id }) else {
                throw SettingError("setting cluster.peers names node \(id) twice")
            }
            peers.append(Peer(node: NodeID(id), host: address.host, port: address.port))
        }
        if peers.isEmpty { return [Peer(node: own, host: listen.host, port: listen.port)] }
        guard peers.contains(where: { $0.node == own }) else {
            throw SettingError("setting cluster.peers does not name this node (node.id \(own.rawValue))")
        }
        return peers
    }
}
