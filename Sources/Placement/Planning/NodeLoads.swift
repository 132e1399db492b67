internal import Consensus
internal import MailModel

/// What each node holds, with the moves that are under way or planned counted as done. Sums change with every move
/// instead of being made anew.
struct NodeLoads: Sendable {
    /// Bytes that a node will hold.
    private(set) var bytes: [Int]
    /// Bytes that a node holds now with all that comes: what leaves is freed later.
    private(set) var committed: [Int]
    /// Replicas that a node will hold.
    private(set) var replicas: [Int]
    /// Groups that a node will lead.
    private(set) var leaders: [Int]
    /// Whether a node takes part in the balance: it is active, alive and has a capacity.
    let isBalanced: [Bool]

    private let capacity: [Int]
    private let fullPercent: Int
    private let totalCapacity: Int
    private var totalBytes: Int
    private var totalReplicas: Int

    init(_ view: ClusterView) {
        capacity = view.nodes.map(\.capacityBytes)
        fullPercent = view.settings.fullPercent
        bytes = view.nodes.map(\.usedBytes)
        committed = bytes
        replicas = Array(repeating: 0, count: view.nodes.count)
        leaders = replicas
        for seating in view.seatings {
            for seat in seating.voters { replicas[seat.node] += 1 }
            for seat in seating.learners { replicas[seat.node] += 1 }
            if let leader = seating.leader { leaders[leader] += 1 }
        }
        let balanced = view.nodes.map { $0.isAtHand && $0.capacityBytes > 0 }
        isBalanced = balanced
        let members = balanced.indices.filter { balanced[$0] }
        totalCapacity = members.reduce(0) { [capacity] in $0 + capacity[$1] }
        totalBytes = members.reduce(0) { [bytes] in $0 + bytes[$1] }
        totalReplicas = members.reduce(0) { [replicas] in $0 + replicas[$1] }
        for move in view.movesUnderWay { count(move, in: view) }
    }

    /// Counts a move as done.
    mutating func count(_ move: Move, in view: ClusterView) {
        guard let number = view.groupNumber(of: move.group) else { return }
        let size = view.groups[number].bytes
        let seating = view.seatings[number]
        for leaving in move.leavingReplicas {
            guard let seat = (seating.voters + seating.learners).first(where: { $0.replica == leaving }) else {
                continue
            }
            change(seat.node, bytes: -size, replicas: -1)
        }
        let copies = move.targets.compactMap { view.nodeNumber(of: $0) }
        for target in copies {
            let isThere = seating.learners.contains { $0.node == target }
            change(target, bytes: isThere ? 0 : size, replicas: isThere ? 0 : 1)
            committed[target] += move.bytesToCopy / copies.count
        }
        if let transfer = move.transfer {
            if let from = view.nodeNumber(of: transfer.from) { leaders[from] -= 1 }
            if let to = view.nodeNumber(of: transfer.to) { leaders[to] += 1 }
        }
    }

    private mutating func change(_ node: Int, bytes size: Int, replicas count: Int) {
        bytes[node] += size
        replicas[node] += count
        guard isBalanced[node] else { return }
        totalBytes += size
        totalReplicas += count
    }

    /// How many bytes of new replicas the node may still take; below 0 where it is too full already.
    func freeBytes(_ node: Int) -> Int {
        // In this order, no product overflows.
        let (whole, rest) = capacity[node].quotientAndRemainder(dividingBy: 100)
        return whole * fullPercent + rest * fullPercent / 100 - committed[node]
    }

    /// The bytes of the node in relation to its capacity, where 1 is the average of all nodes in the balance.
    func byteShare(_ node: Int, adding size: Int = 0) -> Double {
        share(bytes[node] + size, of: totalBytes, node)
    }

    /// The replicas of the node in relation to its capacity, where 1 is the average of all nodes in the balance.
    func replicaShare(_ node: Int, adding count: Int = 0) -> Double {
        share(replicas[node] + count, of: totalReplicas, node)
    }

    private func share(_ amount: Int, of total: Int, _ node: Int) -> Double {
        guard total > 0 else { return 1 }
        return Double(amount) / Double(total) / capacityShare(node)
    }

    private func capacityShare(_ node: Int) -> Double {
        Double(max(1, capacity[node])) / Double(max(1, totalCapacity))
    }

    /// By how much a replica that goes from one node to another makes the bytes, and the number of replicas, more even:
    /// the fall of the sum of squares over all nodes. Below 0 where it makes them less even.
    func gain(moving size: Int, from source: Int, to target: Int) -> (bytes: Double, replicas: Double) {
        let part = 1 / capacityShare(source) + 1 / capacityShare(target)
        func fall(_ amount: Int, _ total: Int, _ shares: (source: Double, target: Double)) -> Double {
            guard total > 0 else { return 0 }
            let moved = Double(amount) / Double(total)
            return 2 * moved * (shares.source - shares.target) - moved * moved * part
        }
        return (
            fall(size, totalBytes, (byteShare(source), byteShare(target))),
            fall(1, totalReplicas, (replicaShare(source), replicaShare(target)))
        )
    }

    /// Leaderships of a node that may lead, on average.
    func averageLeaders(among nodes: [Int]) -> Double {
        nodes.isEmpty ? 0 : Double(nodes.reduce(0) { $0 + leaders[$1] }) / Double(nodes.count)
    }
}
