internal import Consensus
internal import PeerTransport

/// Groups at rest, with the digest by which two nodes compare them: kept up to date, never computed anew.
struct RestSet {
    private(set) var groups = GroupSet()
    private(set) var digest = RestDigest()

    var isEmpty: Bool { groups.isEmpty }

    mutating func insert(_ resting: RestingGroup) {
        guard groups.insert(resting.group) else { return }
        digest.sum &+= resting.hash
        digest.count += 1
    }

    /// What is taken out is what was put in.
    mutating func remove(_ resting: RestingGroup) {
        guard groups.remove(resting.group) else { return }
        digest.sum &-= resting.hash
        digest.count -= 1
    }
}

extension RestingGroup {
    /// Part of the format: every node computes the same. Each field goes through all 64 bits before the next comes in,
    /// so that sums of hashes do not cancel out where groups are alike.
    var hash: UInt64 {
        var hash: UInt64 = 0x7374_6166_6665_7474
        for field in [
            UInt64(group.rawValue), leadership.leader.rawValue, leadership.term.rawValue,
            leadership.lastIndex.rawValue,
        ] {
            hash = SplitMix64.mix(hash ^ SplitMix64.mix(field &+ 0x9e37_79b9_7f4a_7c15))
        }
        return hash
    }
}
