import Foundation
import Testing

@testable import Consensus

/// Many short lives of a cluster under everything a network, a disk and an admin can do to it.
@Suite struct RandomizedTests {
    static let ids = (1...5).map { ReplicaID(UInt64($0)) }
    /// Per batch. For a long run, ask for more.
    static let lives = Int(ProcessInfo.processInfo.environment["STAFFETTA_LIVES"] ?? "") ?? 24

    @Test(arguments: 0..<10)
    func nothingBreaksTheSafetyProperties(batch: Int) {
        var seen: [String: Int] = [:]
        for seed in 0..<Self.lives {
            var life = Life(seed: UInt64(batch * 100_000 + seed))
            life.run(steps: 4000)
            life.recover()
            if let violation = life.cluster.violations.first {
                Issue.record("seed \(life.seed): \(violation)")
                return
            }
            seen.merge(life.cluster.seen) { $0 + $1 }
        }
        let all = [
            "election", "command", "noop", "configuration", "joint", "read", "snapshot", "truncation", "begun",
        ]
        for what in all { #expect(seen[what, default: 0] >= 5, "\(what): \(seen)") }
    }

    /// Clocks that run alike, give or take a tick, are what a lease stands on.
    @Test(arguments: 0..<5)
    func noReadUnderALeaseIsStale(batch: Int) {
        var seen: [String: Int] = [:]
        for seed in 0..<Self.lives / 2 {
            var life = Life(seed: UInt64(10_000_000 + batch * 100_000 + seed), leases: true)
            life.run(steps: 4000)
            if let violation = life.cluster.violations.first {
                Issue.record("seed \(life.seed): \(violation)")
                return
            }
            seen.merge(life.cluster.seen) { $0 + $1 }
        }
        #expect(seen["lease", default: 0] >= 5)
        #expect(seen["election", default: 0] >= 5)
    }
}

struct Life {
    let seed: UInt64
    var random: SplitMix64
    var cluster = Cluster()
    /// Pairs that cannot reach each other at present.
    var cut: Set<[ReplicaID]> = []
    /// How hard the times are, in twelfths.
    let chaos: Int

    /// Who has still to tick before anyone ticks again, where clocks run alike.
    var toTick: [ReplicaID] = []
    let leases: Bool

    init(seed: UInt64, leases: Bool = false) {
        self.leases = leases
        self.seed = seed
        random = SplitMix64(seed: seed &* 7919 &+ 13)
        chaos = [1, 3, 6, 12][random.below(4)]
        let settings = RaftSettings(
            electionTimeoutTicks: 6,
            heartbeatTicks: 1 + random.below(2),
            maxInflightEntries: 1 + random.below(12),
            maxInflightBytes: 50 + random.below(400),
            maxAppendEntries: 1 + random.below(5),
            maxAppendBytes: 10 + random.below(200),
            maxBytesFromTheBeginning: random.below(400),
            maxUncommittedBytes: 100 + random.below(1000),
            preVote: random.below(2) == 0,
            checkQuorum: random.below(2) == 0 || leases,
            leaseTicks: leases ? 4 : nil
        )
        let voters = [1, 3, 3, 4, 5][random.below(5)]
        for id in RandomizedTests.ids {
            let first = member(RandomizedTests.ids.prefix(voters))
            let configuration = id.rawValue <= voters ? Configuration(voters: first) : Configuration(voters: [])
            cluster.add(id, settings: settings, configuration: configuration)
        }
    }

    private func member(_ ids: some Sequence<ReplicaID>) -> [Member] {
        ids.map { Member(replica: $0, node: NodeID($0.rawValue), priority: $0.rawValue == 3 ? 50 : 100) }
    }

    private mutating func anyone() -> ReplicaID { RandomizedTests.ids[random.below(RandomizedTests.ids.count)] }

    private func isUp(_ id: ReplicaID) -> Bool { cluster.replicas[cluster.index(of: id)].node != nil }

    /// Prefers a leader, who gives the commands meaning.
    private mutating func someLeader() -> ReplicaID {
        let leaders = cluster.replicas.filter { $0.node?.role == .leader }
        return leaders.isEmpty || random.below(8) == 0 ? anyone() : leaders[random.below(leaders.count)].id
    }

    mutating func run(steps: Int) {
        for step in 0..<steps {
            act()
            if step % 64 == 0 { cluster.checkLogMatching() }
            if !cluster.violations.isEmpty { return }
        }
        cluster.checkLogMatching()
    }

    private mutating func act() {
        let id = anyone()
        switch random.below(100) {
        case 0..<44: network()
        case 44..<60:
            cluster.write(id, count: 1 + random.below(3))
            if random.below(4) != 0 { cluster.notify(id) }
        case 60..<62: cluster.notify(id)
        case 62..<67: cluster.apply(id)
        case 67..<81: tick(id)
        case 81..<86: propose()
        case 86..<88: cluster.read(someLeader())
        default: if random.below(12) < chaos { disturb(id) }
        }
    }

    private mutating func disturb(_ id: ReplicaID) {
        switch random.below(24) {
        case 0..<2: crash(id)
        case 2..<6: restart(id)
        case 6..<8: partition()
        case 8..<11: cut.removeAll()
        case 11..<13: cluster.step(someLeader(), .transferLeadership(to: id))
        case 13: cluster.step(id, .campaign)
        case 14..<16: compact(someLeader())
        case 16: for id in RandomizedTests.ids where random.below(2) == 0 { cluster.beginInstall(id) }
        case 17: cluster.install(id, from: random.below(2) == 0 ? anyone() : nil)
        case 18: if random.below(4) == 0 { cluster.failInstall(id) }
        case 19..<21: reconfigure()
        case 21: cluster.step(someLeader(), .unreachable(id))
        case 22: if random.below(4) == 0 { cluster.step(id, .declineLeadership) }
        default: for _ in 0..<12 { tick(id) }
        }
    }

    private mutating func tick(_ id: ReplicaID) {
        guard leases else {
            cluster.step(id, .tick)
            return
        }
        if toTick.isEmpty {
            toTick = RandomizedTests.ids
            toTick.shuffle(using: &random)
        }
        cluster.step(toTick.removeLast(), .tick)
    }

    private mutating func network() {
        guard !cluster.network.isEmpty else { return }
        // Mostly in order, sometimes anything.
        let position = random.below(3) == 0 ? random.below(cluster.network.count) : 0
        let message = cluster.network[position]
        if cut.contains([message.from, message.to]) || random.below(20) == 0 {
            cluster.network.remove(at: position)
            return
        }
        if random.below(20) == 0 { cluster.network.append(message) }
        cluster.deliver(at: position)
        if cluster.network.count > 300 { cluster.network.removeFirst(100) }
    }

    private mutating func propose() {
        let sizes = (0...random.below(4)).map { _ in UInt32(random.below(60)) }
        cluster.step(someLeader(), .propose(payloadBytes: sizes))
    }

    private mutating func crash(_ id: ReplicaID) {
        guard isUp(id) else { return }
        // Perhaps in the middle of an installation: the disk has the snapshot, nobody was told.
        if random.below(3) == 0 { cluster.install(id, notifying: false) }
        let position = cluster.index(of: id)
        let writes = cluster.replicas[position].writes.count
        let applied = cluster.replicas[position].state.count
        cluster.replicas[position].crash(
            written: random.below(writes + 1),
            durableApplied: random.below(applied + 1)
        )
        if random.below(2) == 0 { restart(id) }
    }

    private mutating func restart(_ id: ReplicaID) {
        guard !isUp(id) else { return }
        cluster.replicas[cluster.index(of: id)].start(seed: random.next())
    }

    private mutating func partition() {
        cut.removeAll()
        let side = RandomizedTests.ids.filter { _ in random.below(2) == 0 }
        let oneWay = random.below(3) == 0
        for a in side {
            for b in RandomizedTests.ids where !side.contains(b) {
                cut.insert([a, b])
                if !oneWay { cut.insert([b, a]) }
            }
        }
    }

    private mutating func compact(_ id: ReplicaID) {
        guard let node = cluster.replicas[cluster.index(of: id)].node else { return }
        let room = node.appliedIndex - node.snapshot.index
        if room > 0 { cluster.compact(id, to: node.snapshot.index + 1 + random.below(room)) }
    }

    private mutating func reconfigure() {
        var voters: [ReplicaID] = []
        var learners: [ReplicaID] = []
        for id in RandomizedTests.ids {
            switch random.below(5) {
            case 0..<3: voters.append(id)
            case 3: learners.append(id)
            default: break
            }
        }
        let configuration = Configuration(members: member(voters + learners), voters: voters, learners: learners)
        cluster.step(someLeader(), .proposeConfiguration(configuration))
    }

    // MARK: - Liveness

    /// After the faults end, the group elects, commits, and brings all its members to the same state.
    mutating func recover() {
        guard cluster.violations.isEmpty else { return }
        cut.removeAll()
        cluster.network.removeAll()
        for id in RandomizedTests.ids { restart(id) }
        var goal: Int?
        for _ in 0..<400 {
            for id in RandomizedTests.ids { cluster.step(id, .tick) }
            settle()
            guard cluster.violations.isEmpty else { return }
            if let goal, isConverged(at: goal) { return }
            guard goal == nil, let leader = activeLeader else { continue }
            let before = cluster.committed.count
            cluster.step(leader, .propose(payloadBytes: [1]))
            settle()
            if cluster.committed.count > before { goal = cluster.committed.count }
        }
        let states = cluster.replicas.map { "\($0.node!.status)" }.joined(separator: "\n")
        cluster.violations.append("no recovery:\n\(states)")
    }

    private var activeLeader: ReplicaID? {
        cluster.replicas.filter { $0.node?.role == .leader }.max { $0.node!.term < $1.node!.term }?.id
    }

    private func isConverged(at goal: Int) -> Bool {
        guard let leader = activeLeader, let node = cluster.replicas[cluster.index(of: leader)].node else {
            return false
        }
        guard !node.configuration.isJoint else { return false }
        return node.configuration.members.allSatisfy { member in
            cluster.replicas[cluster.index(of: member.replica)].state.count >= goal
        }
    }

    private mutating func settle() {
        for _ in 0..<40 {
            let messages = cluster.network.count
            for _ in 0..<messages { cluster.deliver(at: 0) }
            for id in RandomizedTests.ids {
                cluster.persist(id)
                cluster.apply(id)
                for other in RandomizedTests.ids where other != id { cluster.install(id, from: other) }
            }
            if cluster.network.isEmpty { return }
        }
    }
}
