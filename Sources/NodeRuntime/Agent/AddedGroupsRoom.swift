internal import Consensus
internal import LogStorage
package import MailModel
internal import MailStore
internal import StateStorage

/// What reaches ``AddedGroupsRoom``.
package enum AddedGroupsInput: Sendable {
    /// What the directory says, no older than the question; nil where nobody could say.
    case read(Directory?)
    /// The log has the groups that begin here.
    case created([FoundedGroup])
}

/// Begins this node's replicas of groups that were added to the cluster at work, each once.
///
/// A replica that is begun a second time under the same ID may have voted before, and has forgotten it. So the node
/// notes, durably, up to which number it has begun what it is to begin (``NodeIdentity/begunUpTo``), and no replica
/// takes part before the note is on the disk:
///
/// 1. The directory is asked, as of now: a node that was away, or whose state comes through the log again, must not
///    take a group for new whose members have changed since.
/// 2. The log gets all groups of which a replica is to begin here.
/// 3. The node notes the highest number that any group has. Numbers rise, so that every group up to that number has
///    begun by now, or is never begun here as one that was added.
/// 4. The loops let the replicas take part.
///
/// A crash between 2 and 3 leaves replicas in the log that have never taken part: they are thrown away and begin again.
/// A crash behind 3 leaves replicas that begin as any other. So a power loss of all nodes at any moment leaves a group
/// that has all its voters, or begins anew. A replica that the note covers and the log does not have is lost.
struct AddedGroupsRoom {
    private static let retryMilliseconds: Int64 = 1_000

    private enum Step {
        case idle
        case asking
        case creating(upTo: GroupID)
        /// The groups begin as soon as the note is durable.
        case noting([FoundedGroup], upTo: GroupID)
    }

    private var step = Step.idle
    /// Groups of which the log has a replica that was not noted before the last crash.
    private var unnoted: [GroupID]
    /// Groups of which recovery has found another replica: nothing begins in its place.
    private let present: Set<GroupID>
    private var nextMilliseconds: Int64 = 0
    /// The directory that was looked at last, in which nothing was to be begun.
    private var lookedIndex: LogIndex?

    /// - Parameters:
    ///   - unnoted: groups of which the log has a replica that was not noted; it takes no part.
    ///   - present: the other groups of which recovery has found something.
    init(unnoted: [GroupID], present: Set<GroupID>) {
        self.unnoted = unnoted
        self.present = present
    }

    /// On every tick.
    mutating func tick(_ identity: NodeIdentity, _ desk: AgentDesk) {
        guard case .idle = step, identity.isComplete, desk.nowMilliseconds >= nextMilliseconds,
            isConcerned(identity, desk)
        else { return }
        step = .asking
        let reader = MailReader(store: desk.ways.state)
        let inbox = desk.ways.inboxes.agent
        let failed = desk.ways.failed
        let call = ReadCall(
            group: .directory,
            deadlineMilliseconds: desk.nowMilliseconds + desk.settings.callMilliseconds,
            read: {
                do {
                    let directory = try reader.directory()
                    return { inbox.put(.addedGroups(.read(directory))) }
                } catch let error as StateError {
                    return { failed(error) }
                } catch {
                    // Whoever publishes the directory says that it cannot be read.
                    return { inbox.put(.addedGroups(.read(nil))) }
                }
            },
            fail: { _ in inbox.put(.addedGroups(.read(nil))) }
        )
        desk.ways.inboxes.put(.read(call), for: .directory)
    }

    /// Whether a group that is not noted yet has to do with this node, as far as the node knows its cluster.
    private mutating func isConcerned(_ identity: NodeIdentity, _ desk: AgentDesk) -> Bool {
        let directory = desk.directory.now
        guard unnoted.isEmpty else { return true }
        guard directory.lastGroup > identity.begunUpTo, lookedIndex != directory.index else { return false }
        let isConcerned = directory.groups.reversed().prefix { $0.id > identity.begunUpTo }.contains { record in
            record.placing.voters.contains(desk.node) || record.holders.contains(desk.node)
        }
        if !isConcerned { lookedIndex = directory.index }
        return isConcerned
    }

    /// - Returns: up to which group the node is to note that it has begun what it is to begin; nil where there is
    ///   nothing to note yet.
    mutating func receive(_ input: AddedGroupsInput, as identity: NodeIdentity, _ desk: AgentDesk) -> GroupID? {
        switch (input, step) {
        case (.read(nil), .asking):
            step = .idle
            nextMilliseconds = desk.nowMilliseconds + Self.retryMilliseconds
            return nil
        case (.read(let directory?), .asking): return begin(by: directory, identity, desk)
        case (.created(let groups), .creating(let last)):
            step = .noting(groups, upTo: last)
            return last
        case (.read, .idle), (.read, .creating), (.read, .noting), (.created, .idle), (.created, .asking),
            (.created, .noting):
            return nil
        }
    }

    private mutating func begin(by directory: Directory, _ identity: NodeIdentity, _ desk: AgentDesk) -> GroupID? {
        let last = max(directory.lastGroup, unnoted.max() ?? .directory)
        let groups = directory.groups.filter { $0.id > identity.begunUpTo && !present.contains($0.id) }
            .compactMap { FoundedGroup(added: $0, on: desk.node, of: identity) }
        let removals = unnoted.map { LogOperation.removeGroup($0) }
        let operations = removals + groups.map(\.creation)
        guard !operations.isEmpty else {
            step = .noting([], upTo: last)
            return last
        }
        step = .creating(upTo: last)
        desk.ways.writer.put(.perform(operations, telling: .agent(.addedGroups(.created(groups)))))
        return nil
    }

    /// The identity is on the disk as it was changed: the groups that it covers begin.
    mutating func noteSaved(_ identity: NodeIdentity, _ desk: AgentDesk) {
        guard case .noting(let groups, let last) = step, identity.begunUpTo >= last else { return }
        step = .idle
        unnoted = []
        for group in groups { desk.ways.inboxes.put(.order(.beginAdded(group)), for: group.group) }
        desk.ways.inboxes.putToAll(.order(.noteBegun(upTo: last)))
    }
}

extension FoundedGroup {
    /// This node's replica of a group that was added. Nil where the group begins without one, or has begun already.
    fileprivate init?(added record: GroupRecord, on node: NodeID, of identity: NodeIdentity) {
        let replica = Founder.replica(of: record.id, in: identity.directory, 0)
        guard record.membersIndex == .zero, record.members.member(replica)?.node == node else { return nil }
        self.init(group: record.id, replica: replica, configuration: record.members)
    }
}
