import Consensus
import MailModel

@testable import Placement

/// A cluster that repairs itself, in simulated time: copies take as long as the rates of both nodes make them.
struct Recovery {
    /// What is simulated.
    struct Size {
        var nodes: Int
        var vendors: Int
        var datacenters = 3
        var groups: Int
        var bytesPerSecond = 100_000_000
        var movesPerNode = 2
        var movesPerCluster = 32
    }

    private struct Copy {
        let move: Move
        var bytesLeft: Double
    }

    private(set) var view: ClusterView
    private(set) var seconds = 0.0
    private(set) var moves = 0
    private(set) var transfers = 0
    private(set) var repairBytes = 0
    private(set) var balanceBytes = 0
    private(set) var passes = 0
    private(set) var lastPlan = Plan()
    /// When the last repair had ended.
    private(set) var repairedSeconds = 0.0
    private var copies: [Copy] = []
    private let bytesPerSecond: Double

    /// A cluster in order: every group spread over vendors and data centers, all nodes equally full.
    init(_ size: Size, seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        let gigabyte = Sample.gigabyte
        var nodes = (0..<size.nodes).map { number in
            Sample.node(
                UInt64(number + 1),
                "vendor\(number % size.vendors)",
                "datacenter\(number / size.vendors % size.datacenters)",
                capacity: 4_000 * gigabyte
            )
        }
        var groups: [GroupView] = []
        for id in 1...size.groups {
            // Most groups are small, some are twenty times as large.
            let bytes = gigabyte + random.below(4) * gigabyte + (random.below(10) == 0 ? 16 * gigabyte : 0)
            var chosen: [Int] = []
            for _ in 0..<3 {
                let free = nodes.indices.filter { node in
                    chosen.allSatisfy { other in
                        nodes[other].labels["vendor"] != nodes[node].labels["vendor"]
                            && nodes[other].labels["datacenter"] != nodes[node].labels["datacenter"]
                    }
                }
                let emptiest = free.min { (nodes[$0].usedBytes, $0) < (nodes[$1].usedBytes, $1) }
                guard let emptiest else { break }
                chosen.append(emptiest)
                nodes[emptiest].usedBytes += bytes
            }
            let ids = chosen.map { nodes[$0].id.rawValue }
            let leader = ids[id % ids.count]
            groups.append(Sample.group(UInt32(id), on: ids, leader: leader, bytes: bytes, accounts: 100))
        }
        let settings = PlacementSettings(
            movesPerNode: size.movesPerNode,
            movesPerCluster: size.movesPerCluster,
            transfersPerCluster: 256
        )
        view = Sample.view(nodes, groups, settings: settings)
        bytesPerSecond = Double(size.bytesPerSecond)
    }

    /// The bytes of the voters on nodes with that label.
    func bytes(on label: Label) -> Int {
        view.groups.reduce(0) { sum, group in
            sum + group.bytes * group.replicas.count { view.node($0.node)?.labels.contains(label) ?? false }
        }
    }

    private init(_ view: ClusterView, bytesPerSecond: Double) {
        self.view = view
        self.bytesPerSecond = bytesPerSecond
    }

    /// The same cluster, at the moment when all nodes with that label are dead and lead nothing more.
    func afterLoss(of label: Label) -> Recovery {
        let nodes = view.nodes.map { node in
            var node = node
            if node.labels.contains(label) { node.liveness = .gone(seconds: 600) }
            return node
        }
        // Each group has another leader, as Raft elects one.
        let groups = view.groups.map { group in
            let isLost = group.leader.map { id in nodes.contains { $0.id == id && $0.liveness != .alive } } ?? true
            let next = group.replicas.first { replica in
                nodes.contains { $0.id == replica.node && $0.liveness == .alive }
            }
            return GroupView(
                id: group.id,
                pool: group.pool,
                replicas: group.replicas,
                leader: isLost ? next?.node : group.leader,
                bytes: group.bytes,
                accounts: group.accounts
            )
        }
        let after = Sample.view(nodes, groups, rule: view.rules[0], settings: view.settings)
        return Recovery(after, bytesPerSecond: bytesPerSecond)
    }

    /// Plans, copies, and plans again whenever a copy has ended, until nothing is left to do.
    mutating func run() {
        while true {
            lastPlan = Planner.plan(view)
            passes += 1
            begin(lastPlan.moves)
            guard !copies.isEmpty else { return }
            advance()
        }
    }

    private mutating func begin(_ planned: [Move]) {
        for move in planned {
            if move.changesLeaderOnly { transfers += 1 } else { moves += 1 }
            if move.reason.isRepair { repairBytes += move.bytesToCopy } else { balanceBytes += move.bytesToCopy }
            copies.append(Copy(move: move, bytesLeft: Double(move.bytesToCopy)))
        }
        view = view.withMovesUnderWay(copies.map(\.move))
    }

    /// To the end of the next copy. A node divides its rate among its copies, and a copy is as fast as its slower node.
    private mutating func advance() {
        var busy: [NodeID: Int] = [:]
        for copy in copies where copy.bytesLeft > 0 {
            for node in copy.move.targets + [copy.move.sender].compactMap(\.self) { busy[node, default: 0] += 1 }
        }
        let rates = copies.map { copy in
            let nodes = copy.move.targets + [copy.move.sender].compactMap(\.self)
            return nodes.map { bytesPerSecond / Double(max(1, busy[$0, default: 1])) }.min() ?? bytesPerSecond
        }
        let step = zip(copies, rates).map { $0.bytesLeft / $1 }.min() ?? 0
        seconds += step
        var ended: [Move] = []
        for at in copies.indices {
            copies[at].bytesLeft -= rates[at] * step
            if copies[at].bytesLeft < 1 { ended.append(copies[at].move) }
        }
        copies.removeAll { $0.bytesLeft < 1 }
        if ended.contains(where: { $0.reason.isRepair && !$0.changesLeaderOnly }) { repairedSeconds = seconds }
        view = view.applying(ended, round: passes)
    }

    /// One line for people.
    func summary(_ name: String, hadToMove: Int) -> String {
        func gigabytes(_ bytes: Int) -> String { "\(bytes / Sample.gigabyte) GB" }
        let perMille = (repairBytes + balanceBytes) / max(1, hadToMove / 1_000)
        return "\(name): \(view.nodes.count) nodes, \(view.groups.count) groups; had to move \(gigabytes(hadToMove)), "
            + "moved \(gigabytes(repairBytes)) in repairs and \(gigabytes(balanceBytes)) for balance "
            + "(\(perMille / 10).\(perMille % 10) %), \(moves) moves, \(transfers) transfers, \(passes) passes; "
            + "repaired after \(Int(repairedSeconds)) s, done after \(Int(seconds)) s "
            + "at \(Int(bytesPerSecond / 1e6)) MB/s per node"
    }
}
