@testable public import Consensus

/// The commands of the scripts. A number names a replica, `key=value` an option.
struct ScriptInterpreter {
    var cluster = Cluster()
    /// Replicas that nothing reaches and nothing leaves.
    private var isolated: Set<ReplicaID> = []

    init() {
        cluster.recordsEffects = true
    }

    /// Runs a command; answers what it printed, each line with its end.
    mutating func run(_ line: String) -> String {
        var words = line.split(separator: " ").map(String.init)
        let isQuiet = words.first == "quiet"
        if isQuiet { words.removeFirst() }
        let options = Dictionary(
            uniqueKeysWithValues: words.filter { $0.contains("=") }.map { word in
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            }
        )
        let arguments = words.dropFirst().filter { !$0.contains("=") }
        cluster.log.removeAll()
        perform(words[0], arguments, options)
        if isQuiet || cluster.log.isEmpty { cluster.log = ["ok"] }
        return cluster.log.map { $0 + "\n" }.joined()
    }

    private mutating func perform(_ command: String, _ arguments: [String], _ options: [String: String]) {
        let numbers = arguments.compactMap { UInt64($0) }
        let id = ReplicaID(numbers.first ?? 0)
        switch command {
        case "add-nodes": addNodes(count: numbers[0], options)
        case "add-joiner": add(id, options, configuration: Configuration(voters: []))
        case "campaign": cluster.step(id, .campaign)
        case "tick": for _ in 0..<(numbers.count > 1 ? numbers[1] : 1) { cluster.step(id, .tick) }
        case "propose": cluster.step(id, .propose(payloadBytes: numbers.dropFirst().map { UInt32($0) }))
        case "read": cluster.read(id)
        case "transfer": cluster.step(id, .transferLeadership(to: ReplicaID(numbers[1])))
        case "decline": cluster.step(id, .declineLeadership)
        case "unreachable": cluster.step(id, .unreachable(ReplicaID(numbers[1])))
        case "configure": configure(id, options)
        case "write": cluster.write(id, count: numbers.count > 1 ? Int(numbers[1]) : 1)
        case "notify": cluster.notify(id)
        case "persist": cluster.persist(id)
        case "apply": cluster.apply(id)
        case "compact": cluster.compact(id, to: LogIndex(numbers[1]))
        case "install": cluster.install(id)
        case "fail-install": cluster.failInstall(id)
        case "crash": crash(id)
        case "restart": cluster.replicas[cluster.index(of: id)].start(seed: id.rawValue)
        case "isolate": isolated.insert(id)
        case "heal": isolated.removeAll()
        case "deliver": deliver(from: options["from"], to: options["to"], limit: numbers.first)
        case "drop": drop(from: options["from"], to: options["to"])
        case "network": for message in cluster.network { cluster.log.append("  \(message)") }
        case "stabilize": stabilize(only: numbers.map { ReplicaID($0) })
        case "status": status(numbers.map { ReplicaID($0) })
        case "log": showLog(id)
        default: cluster.log.append("unknown command \(command)")
        }
    }

    // MARK: - Replicas

    private mutating func addNodes(count: UInt64, _ options: [String: String]) {
        let priorities = (options["priorities"] ?? "").split(separator: ",").map { UInt8($0)! }
        let members = (1...count).map { number in
            let position = Int(number) - 1
            return Member(
                replica: ReplicaID(number),
                node: NodeID(number),
                priority: position < priorities.count ? priorities[position] : 100
            )
        }
        let learners = list(options["learners"])
        let configuration = Configuration(
            members: members,
            voters: members.map(\.replica).filter { !learners.contains($0) },
            learners: learners
        )
        for member in members { add(member.replica, options, configuration: configuration) }
    }

    private mutating func add(_ id: ReplicaID, _ options: [String: String], configuration: Configuration) {
        var settings = RaftSettings(preVote: options["pre-vote"] == "on", checkQuorum: options["check-quorum"] == "on")
        if let value = options["inflight-entries"] { settings.maxInflightEntries = Int(value)! }
        if let value = options["inflight-bytes"] { settings.maxInflightBytes = Int(value)! }
        if let value = options["append-entries"] { settings.maxAppendEntries = Int(value)! }
        if let value = options["append-bytes"] { settings.maxAppendBytes = Int(value)! }
        if let value = options["beginning-bytes"] { settings.maxBytesFromTheBeginning = Int(value)! }
        if let value = options["uncommitted-bytes"] { settings.maxUncommittedBytes = Int(value)! }
        if let value = options["lease"] { settings.leaseTicks = Int(value)! }
        cluster.add(id, settings: settings, configuration: configuration)
        // `log-2=1,1,4 term=7` starts replica 2 with entries of these terms.
        let terms = (options["log-\(id)"] ?? "").split(separator: ",").map { UInt64($0)! }
        let position = cluster.index(of: id)
        cluster.replicas[position].disk.headers = headers(terms)
        let term = Term(options["term"].map { UInt64($0)! } ?? terms.last ?? 0)
        cluster.replicas[position].disk.hardState = HardState(term: term)
        cluster.replicas[position].start(seed: id.rawValue)
    }

    private func list(_ text: String?) -> [ReplicaID] {
        (text ?? "").split(separator: ",").map { ReplicaID(UInt64($0)!) }
    }

    private mutating func configure(_ id: ReplicaID, _ options: [String: String]) {
        let voters = list(options["voters"])
        let learners = list(options["learners"])
        let members = (voters + learners).map { Member(replica: $0, node: NodeID($0.rawValue)) }
        cluster.step(
            id,
            .proposeConfiguration(Configuration(members: members, voters: voters, learners: learners))
        )
    }

    private mutating func crash(_ id: ReplicaID) {
        let position = cluster.index(of: id)
        cluster.replicas[position].crash(written: 0, durableApplied: 0)
    }

    // MARK: - The network

    private func isCut(_ message: Message) -> Bool {
        isolated.contains(message.from) || isolated.contains(message.to)
    }

    /// Delivers what is on the wire now, not what that brings about.
    private mutating func deliver(from: String?, to: String?, limit: UInt64?) {
        let chosen = cluster.network.indices.filter { position in
            let message = cluster.network[position]
            return (from == nil || from == "\(message.from)") && (to == nil || to == "\(message.to)")
        }
        for (done, position) in chosen.prefix(limit.map { Int($0) } ?? .max).enumerated() {
            deliver(at: position - done)
        }
    }

    private mutating func deliver(at position: Int) {
        let message = cluster.network[position]
        if isCut(message) {
            cluster.log.append("lost \(message)")
            cluster.network.remove(at: position)
        } else {
            cluster.log.append("\(message)")
            cluster.deliver(at: position)
        }
    }

    private mutating func drop(from: String?, to: String?) {
        cluster.network.removeAll { message in
            let isChosen = (from == nil || from == "\(message.from)") && (to == nil || to == "\(message.to)")
            if isChosen { cluster.log.append("lost \(message)") }
            return isChosen
        }
    }

    /// Delivers, writes and applies until nothing is left to do.
    private mutating func stabilize(only: [ReplicaID]) {
        for _ in 0..<100 {
            var isBusy = false
            for replica in cluster.replicas where only.isEmpty || only.contains(replica.id) {
                if !replica.writes.isEmpty {
                    isBusy = true
                    cluster.persist(replica.id)
                }
                cluster.apply(replica.id)
            }
            let waiting = cluster.network.indices.filter {
                only.isEmpty || only.contains(cluster.network[$0].to)
            }
            for (done, position) in waiting.enumerated() {
                isBusy = true
                deliver(at: position - done)
            }
            if !isBusy { return }
        }
        cluster.log.append("still busy")
    }

    // MARK: - Looking

    private mutating func status(_ only: [ReplicaID]) {
        for replica in cluster.replicas where only.isEmpty || only.contains(replica.id) {
            guard let status = replica.node?.status else {
                cluster.log.append("\(replica.id): down")
                continue
            }
            cluster.log.append(
                "\(status.id): \(status.role) \(status.term) last \(status.lastIndex) durable \(status.durableIndex)"
                    + " commit \(status.commitIndex) applied \(status.appliedIndex) \(status.configuration)"
            )
            for peer in status.peers {
                cluster.log.append(
                    "   \(peer.replica): \(peer.state) match \(peer.matchIndex) next \(peer.nextIndex) lag \(peer.lag)"
                )
            }
        }
    }

    private mutating func showLog(_ id: ReplicaID) {
        guard let node = cluster.replicas[cluster.index(of: id)].node else { return }
        let entries = node.persistent.log.headers(from: node.firstIndex)
        cluster.log.append("\(id): after \(node.snapshot.index)/\(node.snapshot.term) \(entries)")
    }
}

extension PeerStatus.State: CustomStringConvertible {
    public var description: String {
        switch self {
        case .probe(let paused): paused ? "probe (paused)" : "probe"
        case .replicate(let entries, let bytes): "replicate (\(entries) entries, \(bytes) bytes under way)"
        case .snapshot(let index): "snapshot at \(index)"
        }
    }
}
