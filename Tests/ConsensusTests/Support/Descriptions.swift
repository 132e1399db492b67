@testable public import Consensus

// Short forms for scripts and failure messages.

extension ReplicaID: CustomStringConvertible { public var description: String { "\(rawValue)" } }
extension LogIndex: CustomStringConvertible { public var description: String { "\(rawValue)" } }
extension Term: CustomStringConvertible { public var description: String { "t\(rawValue)" } }

extension EntryHeader: CustomStringConvertible {
    public var description: String {
        switch kind {
        case .command: "\(term)/\(payloadBytes)"
        case .noop: "\(term)/noop"
        case .configuration(let configuration): "\(term)/\(configuration)"
        }
    }
}

extension Configuration: CustomStringConvertible {
    public var description: String {
        func list(_ replicas: [ReplicaID]) -> String { replicas.map(\.description).joined(separator: ",") }
        var text = "voters(\(list(voters)))"
        if isJoint { text += "&&(\(list(outgoingVoters)))" }
        if !learners.isEmpty { text += " learners(\(list(learners)))" }
        return text
    }
}

extension SnapshotPoint: CustomStringConvertible {
    public var description: String { "\(index)/\(term) \(configuration)" }
}

extension Message: CustomStringConvertible {
    public var description: String { "\(from)->\(to) \(term) \(body)" }
}

extension Message.Body: CustomStringConvertible {
    public var description: String {
        switch self {
        case .preVote(let index, let term): "preVote last \(index)/\(term)"
        case .preVoteResponse(let granted): "preVoteResponse \(granted ? "granted" : "rejected")"
        case .requestVote(let index, let term, let byTransfer):
            "requestVote last \(index)/\(term)\(byTransfer ? " by transfer" : "")"
        case .voteResponse(let granted): "voteResponse \(granted ? "granted" : "rejected")"
        case .appendEntries(let append):
            "append after \(append.previousIndex)/\(append.previousTerm) commit \(append.commitIndex) \(append.entries)"
        case .appendAccepted(let index): "accepted \(index)"
        case .appendRejected(let previous, let index, let term): "rejected \(previous) hint \(index)/\(term)"
        case .heartbeat(let commit, let read): "heartbeat commit \(commit) read \(read)"
        case .heartbeatResponse(let read): "heartbeatResponse read \(read)"
        case .installSnapshot(let point): "installSnapshot \(point)"
        case .snapshotRejected(let index): "snapshotRejected \(index)"
        case .timeoutNow: "timeoutNow"
        }
    }
}

func describe(_ effect: Effect) -> String? {
    switch effect {
    case .send(let message): return "send \(message)"
    case .persist(let persist):
        var text = "persist #\(persist.sequence)"
        if let hard = persist.hardState {
            text += " \(hard.term) vote \(hard.vote.map(\.description) ?? "-") commit \(hard.commitIndex)"
        }
        if !persist.entries.isEmpty { text += " from \(persist.firstIndex) \(persist.entries)" }
        for message in persist.messages { text += "; then \(message)" }
        return text
    case .accepted(let first, let term, let count): return "accepted \(count) from \(first) in \(term)"
    case .rejected(let reason): return "rejected: \(reason)"
    case .apply(let index): return "apply up to \(index)"
    case .readReady(let id, let index): return "read \(id) ready at \(index)"
    case .readRejected(let id, let reason): return "read \(id) rejected: \(reason)"
    case .installSnapshot(let point, let from): return "install snapshot \(point) from \(from)"
    case .roleChanged(let role, let term, let leader):
        return "\(role) in \(term), leader \(leader.map(\.description) ?? "-")"
    case .contradicted(let contradiction, let sender): return "contradicted by \(sender): \(contradiction.rawValue)"
    case .configurationChanged(let configuration): return "configuration \(configuration)"
    }
}
