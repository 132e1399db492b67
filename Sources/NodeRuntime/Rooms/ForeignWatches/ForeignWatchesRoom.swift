package import Consensus
package import MailModel
internal import PeerTransport
internal import ReplicaCore

/// What reaches ``ForeignWatchesRoom`` from the appliers.
package enum ForeignWatchesInput: Sendable {
    /// An account has changed that a node watches.
    case changed(AccountID, in: GroupID, for: NodeID)
}

/// Watches of accounts for nodes that have no replica of the accounts' group: they are told what changes, once for each
/// turn of the loop.
///
/// A watch is forgotten when it is not renewed: in two generations, so that no tick looks at each watch.
struct ForeignWatchesRoom {
    /// Accounts that are watched for other nodes at once, by one loop.
    static let maximumWatches = 65_536

    private struct Key: Hashable, Comparable {
        let node: NodeID
        let group: GroupID

        static func < (left: Key, right: Key) -> Bool { (left.node, left.group) < (right.node, right.group) }
    }

    private struct Watched {
        var young: [AccountID: AccountWatchers.Watch] = [:]
        var old: [AccountID: AccountWatchers.Watch] = [:]
    }

    private let watchers: AccountWatchers
    private var watched: [Key: Watched] = [:]
    private(set) var count = 0
    private var turnedMilliseconds: Int64 = 0
    /// What is to be told at the end of the turn.
    private var changed: [Key: Set<AccountID>] = [:]
    var maximumCount = Self.maximumWatches

    init(_ watchers: AccountWatchers) { self.watchers = watchers }

    /// Another node wants to hear of changes to accounts. What it did not ask for before is told as changed: nobody has
    /// told the node what happened since it looked last.
    mutating func receiveQuestion(
        about accounts: [AccountID],
        id: UInt64,
        in group: GroupID,
        from node: NodeID,
        _ floor: Floor
    ) {
        let key = Key(node: node, group: group)
        let new = Set(accounts).filter { watched[key]?.young[$0] == nil && watched[key]?.old[$0] == nil }
        // A replica that hears no leader has nothing to tell.
        guard let hosted = floor.groups[group], hosted.servesReads, hosted.replica?.leaderNode != nil,
            count + new.count <= maximumCount, !floor.isStopping
        else { return floor.send(.watch(group: group, .refused(id: id)), to: node) }
        for account in accounts where !new.contains(account) {
            guard let watch = watched[key]?.old.removeValue(forKey: account) else { continue }
            watched[key]?.young[account] = watch
        }
        let inbox = floor.ways.inbox
        for account in new {
            watched[key, default: Watched()].young[account] = watchers.add(account, in: group, on: nil) {
                inbox.put(.foreignWatches(.changed(account, in: group, for: node)))
            }
        }
        count += new.count
        changed[key, default: []].formUnion(new)
        floor.send(.watch(group: group, .watching(id: id)), to: node)
    }

    mutating func finished(_ input: ForeignWatchesInput) {
        switch input {
        case .changed(let account, let group, let node):
            let key = Key(node: node, group: group)
            guard watched[key] != nil else { return }
            changed[key, default: []].insert(account)
        }
    }

    /// At the end of a turn: tells what has changed, each node in one message for each group.
    mutating func sendChanges(_ floor: Floor) {
        guard !changed.isEmpty else { return }
        for key in changed.keys.sorted() {
            guard let accounts = changed[key], !accounts.isEmpty else { continue }
            let message: WatchMessage =
                accounts.count > WatchMessage.maximumAccounts ? .allChanged : .changed(accounts.sorted())
            floor.send(.watch(group: key.group, message), to: key.node)
        }
        changed.removeAll(keepingCapacity: true)
    }

    /// On every tick: watches that were not renewed are forgotten.
    mutating func tick(_ floor: Floor) {
        guard floor.nowMilliseconds - turnedMilliseconds >= WatchMessage.expiryMilliseconds else { return }
        turnedMilliseconds = floor.nowMilliseconds
        for (key, entry) in watched {
            for watch in entry.old.values { watch.cancel() }
            count -= entry.old.count
            watched[key] = entry.young.isEmpty ? nil : Watched(old: entry.young)
        }
    }
}
