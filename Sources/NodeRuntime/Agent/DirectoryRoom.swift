internal import Consensus
package import MailModel
internal import MailStore
internal import PeerTransport
internal import StateStorage

/// What reaches ``DirectoryRoom``.
package enum DirectoryInput: Sendable {
    /// The state of group 0 has changed on this node.
    case changed
    /// What the state says now; nil where it says nothing yet, or cannot be read.
    case read(Directory?)
}

/// Keeps what the node knows of its cluster in step with this node's state of group 0, and publishes it.
///
/// However often the state changes, one reading is under way, and one more behind it.
struct DirectoryRoom {
    private var isReading = false
    private var isStale = false

    /// How the cluster began is known: as long as nothing was read, that is all that is known.
    func noteFounding(_ identity: NodeIdentity, _ desk: AgentDesk) {
        guard desk.directory.now.index == .zero else { return }
        let founding = Directory.Founding(
            clusterID: desk.directory.now.founding.clusterID,
            mailGroups: identity.mailGroups,
            founders: identity.founders
        )
        hand(Directory(founded: founding), desk)
    }

    mutating func receive(_ input: DirectoryInput, _ desk: AgentDesk) {
        switch input {
        case .changed:
            guard !isReading else {
                isStale = true
                return
            }
            read(desk)
        case .read(let directory):
            isReading = false
            if let directory { publish(directory, desk) }
            if isStale { read(desk) }
        }
    }

    private mutating func read(_ desk: AgentDesk) {
        isReading = true
        isStale = false
        let reader = MailReader(store: desk.ways.state)
        let inboxes = desk.ways.inboxes
        let failed = desk.ways.failed
        desk.ways.background.run {
            do {
                inboxes.agent.put(.directory(.read(try reader.directory())))
            } catch let error as StateError {
                failed(error)
            } catch {
                inboxes.agent.put(.directory(.read(nil)))
                inboxes.put(.unreadable(.directory, reason: "\(error)"), for: .directory)
            }
        }
    }

    /// The state may have been lost and be on its way through the log again: what is older than what is known says
    /// nothing.
    func publish(_ directory: Directory, _ desk: AgentDesk) {
        guard directory.index > desk.directory.now.index else { return }
        hand(directory, desk)
    }

    /// Nodes are reached that the directory here does not know, or not any more.
    func receiveContacts(_ contacts: [JoinContact], _ desk: AgentDesk) {
        reachMembers(of: desk.directory.now, and: contacts, desk)
    }

    private func reachMembers(of directory: Directory, and contacts: [JoinContact], _ desk: AgentDesk) {
        let members = directory.nodes.filter { $0.state.isMember && !$0.description.peerAddress.isEmpty }
        let known = members.map { ($0.id, $0.description.peerAddress) } + contacts.map { ($0.node, $0.address) }
        let named = Set(contacts.map(\.node))
        desk.ways.network.reach(
            Dictionary(known) { $1 },
            partingFrom: directory.nodes.filter { !$0.state.isMember && !named.contains($0.id) }.map(\.id)
        )
    }

    private func hand(_ directory: Directory, _ desk: AgentDesk) {
        desk.directory.publish(directory)
        reachMembers(of: directory, and: [], desk)
        desk.ways.inboxes.putToAll(.order(.directory(directory)))
    }
}
