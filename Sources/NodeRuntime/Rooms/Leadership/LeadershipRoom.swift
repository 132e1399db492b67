internal import Consensus
internal import ReplicaCore

/// Moves leaderships: back to the replicas that are to lead, and away from a node that stops, or whose disk is full or
/// hangs.
struct LeadershipRoom {
    /// Entries that a replica may lack to be given a leadership: it gets them before it campaigns.
    private static let maximumSuccessorLag = 8
    /// Leaderships are given back this often to nodes that have returned.
    private static let balanceMilliseconds: Int64 = 5_000
    /// Leaderships of a group that a node without room hands on, at most, until it has room again.
    private static let maximumDepartures = 3

    /// While the disk is full or hangs, leaderships are handed on this often.
    private static let departureMilliseconds: Int64 = 500

    private var nextBalanceMilliseconds: Int64 = 0
    /// At once where nothing was wrong before.
    private var nextDepartureMilliseconds: Int64 = 0
    /// How often each leadership was handed on for want of room.
    private var departures: [GroupID: Int] = [:]

    /// On every tick.
    mutating func tick(_ floor: Floor) {
        tickDepartures(floor)
        guard floor.nowMilliseconds >= nextBalanceMilliseconds else { return }
        nextBalanceMilliseconds = floor.nowMilliseconds + Self.balanceMilliseconds
        balance(onlyToReturned: true, floor)
    }

    private mutating func tickDepartures(_ floor: Floor) {
        if !floor.health.isSpaceLow { departures.removeAll() }
        guard floor.health.isSpaceLow || floor.health.isHanging else { return nextDepartureMilliseconds = 0 }
        guard floor.nowMilliseconds >= nextDepartureMilliseconds else { return }
        nextDepartureMilliseconds = floor.nowMilliseconds + Self.departureMilliseconds
        if floor.health.isHanging { handOverAll(floor) }
        if floor.health.isSpaceLow { makeRoom(floor) }
    }

    /// The disk hangs. The others have what this node sent them, and can commit without its disk.
    private func handOverAll(_ floor: Floor) {
        for replica in floor.ledReplicas where replica.raft.transferTarget == nil {
            _ = floor.transferLeadership(of: replica.group, to: nil)
        }
    }

    /// Others may have room for the mail of the groups that are led from here. But where nobody has, leaderships must
    /// not go round in circles for ever.
    private mutating func makeRoom(_ floor: Floor) {
        for replica in floor.ledReplicas {
            let departed = departures[replica.group, default: 0]
            guard departed < Self.maximumDepartures, replica.raft.transferTarget == nil,
                floor.transferLeadership(of: replica.group, to: nil) == nil
            else { continue }
            departures[replica.group] = departed + 1
        }
    }

    /// Hands every leadership to the best follower. The node takes no new calls, and no leadership that another node
    /// hands to it: where all nodes stop at once, leaderships would go to and fro.
    ///
    /// - Returns: how many groups this loop still leads that somebody may take.
    func resign(_ floor: Floor) -> Int {
        if !floor.isStopping {
            floor.isStopping = true
            for replica in floor.groups.replicas {
                floor.amend(replica.group) { _ = $0.control(.declineLeadership, floor.source, into: &$1) }
            }
        }
        var leading = 0
        for replica in floor.ledReplicas where replica.raft.configuration.voters.count > 1 {
            if replica.raft.transferTarget == nil {
                // What the replica knows of the others is up to date once it is awake.
                floor.wake(replica.group)
                guard replica.raft.hasPossibleSuccessor else { continue }
                _ = floor.transferLeadership(of: replica.group, to: nil)
            }
            leading += 1
        }
        return leading
    }

    /// Hands every leadership to one node, where it has a vote.
    func handOver(to target: NodeID, _ floor: Floor) {
        for replica in floor.ledReplicas {
            _ = floor.transferLeadership(of: replica.group, to: target)
        }
    }

    /// Gives groups back to the replica that is to lead them, when it is up to date: leaderships stay spread.
    ///
    /// - Parameter onlyToReturned: only to those that were away while this node led. What an operator has moved stays
    ///   where it was put.
    func balance(onlyToReturned: Bool, _ floor: Floor) {
        guard !floor.isStopping else { return }
        for replica in floor.groups.takeStockOfMisplaced().compactMap(\.replica) {
            let status = replica.raft.status
            guard status.transferTarget == nil, let own = status.configuration.member(status.id) else { continue }
            for peer in status.peers where peer.isActive && peer.lag <= Self.maximumSuccessorLag {
                if onlyToReturned, !peer.wasAway { continue }
                guard let member = status.configuration.member(peer.replica), member.priority > own.priority,
                    status.configuration.isVoter(peer.replica)
                else { continue }
                _ = floor.step(replica.group) {
                    $0.control(.transferLeadership(to: peer.replica), floor.source, into: &$1)
                }
                break
            }
        }
    }
}

extension Floor {
    /// The replicas that lead, in the order of their groups: as they are now, since what is done with one may change
    /// its role.
    fileprivate var ledReplicas: [Replica] { groups.led.compactMap { replica($0) } }
}

extension RaftNode {
    /// Whether there is a voter that has not declined and is not gone, as far as this leader knows. A voter that keeps
    /// up counts as there also in the moment behind a check of the quorum, when no peer has been heard of yet.
    fileprivate var hasPossibleSuccessor: Bool {
        peerStatus.contains { peer in
            !peer.hasDeclined && (peer.isActive || peer.keepsUp) && configuration.isVoter(peer.replica)
        }
    }
}
