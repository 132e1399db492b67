internal import Consensus
internal import MailModel
internal import NodeRuntime
internal import ReplicaCore

/// Whether what a node holds in memory is within its bounds, whatever is asked of it.
struct LimitCheck {
    let settings: CoreSettings

    /// What a node holds, or one of its groups, beyond a bound; nil where nothing is.
    func nodeExcess(of core: NodeCore) -> (invariant: String, details: String)? {
        if core.callBudget.usedBytes > settings.calls.bytes {
            return ("the calls of a node are bounded", "\(core.callBudget.usedBytes) bytes")
        }
        if core.readBudget.used > settings.reads.perNode {
            return ("the reads of a node are bounded", "\(core.readBudget.used) reads")
        }
        let foreign = core.foreignReads.used
        if foreign.reads > settings.reads.foreign || foreign.reads > 1 && foreign.bytes > settings.reads.foreignBytes {
            return ("the reads of a node for others are bounded", "\(foreign.reads) reads, \(foreign.bytes) bytes")
        }
        for loop in core.loops where loop.proposedForOthers.count > loop.proposedForOthers.maximum {
            return ("the calls of other nodes are bounded", "\(loop.proposedForOthers.count) calls")
        }
        for group in core.loops.lazy.flatMap(\.floor.hostedGroups) {
            if let excess = groupExcess(of: group) { return (excess.invariant, "\(group.id): \(excess.details)") }
        }
        return nil
    }

    /// What of a group is beyond its bound; nil where nothing is.
    private func groupExcess(of group: HostedGroup) -> (invariant: String, details: String)? {
        let limits = settings.calls
        let waiting = group.waitingCalls
        // One call may be larger than all that may wait.
        if waiting.count > limits.countPerGroup || waiting.count > 1 && waiting.bytes > limits.bytesPerGroup
            || waiting.span > limits.spanPerGroup
        {
            return ("waiting calls are bounded", "\(waiting)")
        }
        let forwarded = group.forwardedCallBytes
        if forwarded.used > forwarded.maximum { return ("what is forwarded is bounded", "\(forwarded.used) bytes") }
        guard let replica = group.replica else { return nil }
        let raft = settings.replica.raft
        if replica.isLeader {
            for peer in replica.raft.peerStatus {
                guard case .replicate(let entries, let bytes) = peer.state else { continue }
                // One entry may be larger than all of the window.
                if bytes > raft.maxInflightBytes, entries > 1 {
                    return ("windows are bounded", "\(bytes) bytes to one peer")
                }
            }
            // One entry may be larger than all that may be uncommitted.
            if replica.raft.uncommittedBytes > max(raft.maxUncommittedBytes, MailLimits.commandBytes) {
                return ("uncommitted bytes are bounded", "\(replica.raft.uncommittedBytes)")
            }
        }
        // What is not durable yet is held, whatever its size: what a leader takes in, or what it sends ahead.
        let limit = settings.replica.cacheBytes + max(raft.maxUncommittedBytes, 2 * raft.maxInflightBytes)
        if replica.cachedBytes > limit + (1 << 20) { return ("caches are bounded", "\(replica.cachedBytes) bytes") }
        return nil
    }

    /// Calls that still wait at a node, or what is held for them; nil where nothing is.
    func backlog(of core: NodeCore) -> String? {
        if core.readBudget.used != 0 { return "\(core.readBudget.used) reads are under way" }
        if core.foreignReads.used.reads != 0 { return "\(core.foreignReads.used.reads) reads for others are under way" }
        if core.callBudget.usedBytes != 0 { return "\(core.callBudget.usedBytes) bytes are held for calls" }
        let group = core.loops.lazy.flatMap(\.floor.hostedGroups).first { $0.waitingCalls.count > 0 }
        return group.map { "\($0.waitingCalls.count) calls wait for \($0.id)" }
    }
}
