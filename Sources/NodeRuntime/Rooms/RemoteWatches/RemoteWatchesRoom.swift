package import Consensus
package import MailModel
internal import PeerTransport

/// What reaches ``RemoteWatchesRoom`` from the service.
package enum RemoteWatchesInput: Sendable {
    /// An account has a watcher that it had not before.
    case added(AccountID, in: GroupID)
}

/// Watches of accounts in groups of which this node has no replica that could tell: a node that has one is asked to say
/// what changes, again and again. When it does not confirm that any more, another node is asked, and all watchers of
/// the group look for themselves.
struct RemoteWatchesRoom {
    /// How often all that is asked for is looked at.
    private static let lookMilliseconds: Int64 = 250
    /// Pauses before another node is asked.
    private static let pause = Backoff(firstMilliseconds: 100, maximumMilliseconds: 2_000)

    /// What a node is asked to tell of a group.
    private struct Asked {
        var holder: NodeID
        /// Whether the node has confirmed to watch anything.
        var isConfirmed = false
        /// The questions that are not answered, and when the first of these was asked.
        var open: Set<UInt64> = []
        var askedMilliseconds: Int64 = 0
        /// When everything is asked for again.
        var nextMilliseconds: Int64
        /// How many nodes have failed since one confirmed.
        var failures: UInt32 = 0
    }

    private let watchers: AccountWatchers
    private var groups: [GroupID: Asked] = [:]
    /// Accounts that the nodes that are asked do not know of yet.
    private var added: [GroupID: Set<AccountID>] = [:]
    private var nextLookMilliseconds: Int64 = 0

    init(_ watchers: AccountWatchers) { self.watchers = watchers }

    mutating func finished(_ input: RemoteWatchesInput, _ floor: Floor) {
        switch input {
        case .added(let account, let group):
            guard isRemote(group, floor) else { return }
            added[group, default: []].insert(account)
        }
    }

    private func isRemote(_ group: GroupID, _ floor: Floor) -> Bool {
        floor.groups[group]?.servesReads != true && floor.isServedElsewhere(group)
    }

    // MARK: Asking

    /// On every tick: new accounts are asked for at once. What is asked for already is looked at now and then, and
    /// asked for again every ``WatchMessage/renewMilliseconds``.
    mutating func tick(_ floor: Floor) {
        for group in added.keys.sorted() {
            if groups[group] == nil { begin(group, floor) } else { ask(added[group]?.sorted() ?? [], of: group, floor) }
        }
        added = [:]
        let now = floor.nowMilliseconds
        guard now >= nextLookMilliseconds else { return }
        nextLookMilliseconds = now + Self.lookMilliseconds
        findGroups(floor)
        for group in groups.keys.sorted() {
            guard let asked = groups[group] else { continue }
            if !asked.open.isEmpty, now - asked.askedMilliseconds >= floor.settings.resendMilliseconds {
                leaveHolder(of: group, floor)
            } else if now >= asked.nextMilliseconds {
                renew(group, floor)
            }
        }
    }

    private mutating func begin(_ group: GroupID, _ floor: Floor) {
        guard let holder = floor.holders(of: group).first else { return }
        groups[group] = Asked(holder: holder, nextMilliseconds: floor.nowMilliseconds)
        renew(group, floor)
    }

    /// Groups of this loop whose watchers depend on another node, and those that do not any more.
    private mutating func findGroups(_ floor: Floor) {
        let watched = watchers.watchedGroups().filter { floor.isOfThisLane($0) && isRemote($0, floor) }
        for group in groups.keys.sorted() where !watched.contains(group) {
            groups[group] = nil
            // What happened before the replica here could tell is not known.
            watchers.replaced(group)
        }
        for group in watched.sorted() where groups[group] == nil { begin(group, floor) }
    }

    private mutating func renew(_ group: GroupID, _ floor: Floor) {
        groups[group]?.nextMilliseconds = floor.nowMilliseconds + WatchMessage.renewMilliseconds
        ask(watchers.watchedAccounts(in: group), of: group, floor)
    }

    private mutating func ask(_ accounts: [AccountID], of group: GroupID, _ floor: Floor) {
        guard let holder = groups[group]?.holder else { return }
        var rest = accounts[...]
        while !rest.isEmpty {
            let id = floor.takeNumber()
            if groups[group]?.open.isEmpty == true { groups[group]?.askedMilliseconds = floor.nowMilliseconds }
            groups[group]?.open.insert(id)
            let part = rest.prefix(WatchMessage.maximumAccounts)
            rest = rest.dropFirst(part.count)
            floor.send(.watch(group: group, .ask(id: id, Array(part))), to: holder)
        }
    }

    /// The node that was to tell does not: another one is asked after a pause. Watchers look for themselves, as what
    /// happens meanwhile is told by nobody.
    private mutating func leaveHolder(of group: GroupID, _ floor: Floor) {
        guard var asked = groups[group] else { return }
        if asked.isConfirmed { watchers.replaced(group) }
        let holders = floor.holders(of: group)
        let place = holders.firstIndex(of: asked.holder).map { $0 + 1 } ?? 0
        if !holders.isEmpty { asked.holder = holders[place % holders.count] }
        asked.isConfirmed = false
        asked.open = []
        asked.failures += 1
        let seed = floor.place.session ^ UInt64(group.rawValue) << 24 ^ UInt64(asked.failures)
        asked.nextMilliseconds = floor.nowMilliseconds + Self.pause.milliseconds(after: asked.failures, seed: seed)
        groups[group] = asked
    }

    // MARK: Answers

    mutating func receiveConfirmation(of id: UInt64, about group: GroupID, from node: NodeID) {
        guard groups[group]?.holder == node, groups[group]?.open.remove(id) != nil else { return }
        groups[group]?.isConfirmed = true
        groups[group]?.failures = 0
    }

    mutating func receiveRefusal(of id: UInt64, about group: GroupID, from node: NodeID, _ floor: Floor) {
        guard groups[group]?.holder == node, groups[group]?.open.contains(id) == true else { return }
        leaveHolder(of: group, floor)
    }

    /// Whoever says so: to look for nothing does no harm.
    func receiveChange(of accounts: [AccountID], in group: GroupID) {
        guard groups[group] != nil else { return }
        watchers.changed(Set(accounts))
    }

    func receiveChangeOfAll(in group: GroupID) {
        guard groups[group] != nil else { return }
        watchers.replaced(group)
    }

    /// What was under way to a node, or from it, may be lost.
    mutating func noteLost(_ node: NodeID, _ floor: Floor) {
        for group in groups.keys.sorted() where groups[group]?.holder == node { leaveHolder(of: group, floor) }
    }
}
