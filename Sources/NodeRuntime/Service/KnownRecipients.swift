internal import Consensus
internal import MailModel
internal import NIOConcurrencyHelpers

/// The accounts that this node has found for mail lately: most mail goes to addresses that have just had some.
///
/// An entry may be out of date: the delivery finds that out, and has it forgotten (``forget(_:)``). What is not here
/// says nothing.
final class KnownRecipients: Sendable {
    /// How long an account is known, so that an address that goes to another one does not stay with the old one where
    /// nothing is delivered.
    static let memoryMilliseconds: Int64 = 60_000
    /// When so many are known, those that were found before the last half of them are forgotten.
    static let maximumCount = 65_536

    private struct Entry {
        let account: AccountID
        let endMilliseconds: Int64
    }

    private struct State {
        var newer: [AccountAddress: Entry] = [:]
        var older: [AccountAddress: Entry] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// The account that an address was found to have; nil where that is not known, or too long ago.
    func account(of address: AccountAddress, _ nowMilliseconds: Int64) -> AccountID? {
        state.withLockedValue { state in
            guard let entry = state.newer[address] ?? state.older[address], nowMilliseconds < entry.endMilliseconds
            else { return nil }
            return entry.account
        }
    }

    /// An address was found to have this account.
    func note(_ account: AccountID, of address: AccountAddress, _ nowMilliseconds: Int64) {
        state.withLockedValue { state in
            if state.newer.count >= Self.maximumCount / 2 {
                state.older = state.newer
                state.newer = [:]
            }
            state.newer[address] = Entry(account: account, endMilliseconds: nowMilliseconds + Self.memoryMilliseconds)
        }
    }

    /// There is no such account any more.
    func forget(_ account: AccountID) {
        state.withLockedValue { state in
            state.newer = state.newer.filter { $0.value.account != account }
            state.older = state.older.filter { $0.value.account != account }
        }
    }
}
