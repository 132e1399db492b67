internal import Consensus
internal import MailModel
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The sessions that want to hear of changes to an account on this node. A burst of changes is one call per watcher.
final class AccountWatchers: Sendable {
    private struct Entry {
        let group: GroupID
        /// Where `changed` is called; nil for the thread that makes the change.
        let loop: (any EventLoop)?
        let changed: @Sendable () -> Void
    }

    private typealias Due = (loop: (any EventLoop)?, account: AccountID, id: UInt64)

    private struct State {
        var watchers: [AccountID: [UInt64: Entry]] = [:]
        /// How many watchers each account has, by its group.
        var groups: [GroupID: [AccountID: Int]] = [:]
        /// Watches whose call is on its way.
        var due: Set<UInt64> = []
        var next: UInt64 = 0

        mutating func remove(_ id: UInt64, of account: AccountID) {
            guard let entry = watchers[account]?.removeValue(forKey: id) else { return }
            if watchers[account]?.isEmpty == true { watchers[account] = nil }
            let left = groups[entry.group]?[account, default: 1] ?? 1
            groups[entry.group]?[account] = left > 1 ? left - 1 : nil
            if groups[entry.group]?.isEmpty == true { groups[entry.group] = nil }
        }
    }

    private let state = NIOLockedValueBox(State())

    struct Watch: AccountWatch {
        fileprivate let owner: AccountWatchers
        fileprivate let account: AccountID
        fileprivate let id: UInt64

        func cancel() {
            owner.state.withLockedValue { $0.remove(id, of: account) }
        }
    }

    /// Has changes to an account told, until the watch is cancelled.
    ///
    /// - Parameters:
    ///   - group: the group that the account is in.
    ///   - loop: where `changed` is called; nil for the thread that makes the change.
    func add(
        _ account: AccountID,
        in group: GroupID,
        on loop: (any EventLoop)?,
        _ changed: @escaping @Sendable () -> Void
    ) -> Watch {
        state.withLockedValue { state in
            state.next += 1
            state.watchers[account, default: [:]][state.next] = Entry(group: group, loop: loop, changed: changed)
            state.groups[group, default: [:]][account, default: 0] += 1
            return Watch(owner: self, account: account, id: state.next)
        }
    }

    func changed(_ accounts: Set<AccountID>) {
        let due = state.withLockedValue { state in
            var due: [Due] = []
            guard !state.watchers.isEmpty else { return due }
            for account in accounts {
                guard let entries = state.watchers[account] else { continue }
                for (id, entry) in entries where state.due.insert(id).inserted {
                    due.append((entry.loop, account, id))
                }
            }
            return due
        }
        tell(due)
    }

    /// Everything of a group may have changed, and nobody knows what: its rows were replaced, or whoever was to tell
    /// has not.
    func replaced(_ group: GroupID) { changed(Set(watchedAccounts(in: group))) }

    /// The groups whose accounts are watched.
    func watchedGroups() -> Set<GroupID> { state.withLockedValue { Set($0.groups.keys) } }

    /// The accounts of a group that are watched, in order.
    func watchedAccounts(in group: GroupID) -> [AccountID] {
        state.withLockedValue { $0.groups[group]?.keys.sorted() ?? [] }
    }

    private func tell(_ due: [Due]) {
        for (loop, account, id) in due {
            guard let loop else {
                call(account, id)
                continue
            }
            loop.execute { self.call(account, id) }
        }
    }

    private func call(_ account: AccountID, _ id: UInt64) {
        let changed = state.withLockedValue { state in
            state.due.remove(id)
            return state.watchers[account]?[id]?.changed
        }
        changed?()
    }
}
