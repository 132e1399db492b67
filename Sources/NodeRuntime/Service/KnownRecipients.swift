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
    /// How many are known at most.
    static let maximumCount = 65_536

    private struct Entry: Sendable {
        let account: AccountID
        let endMilliseconds: Int64
    }

    private let state = NIOLockedValueBox(TwoGenerations<AccountAddress, Entry>(maximum: maximumCount))

    /// The account that an address was found to have; nil where that is not known, or too long ago.
    func account(of address: AccountAddress, _ nowMilliseconds: Int64) -> AccountID? {
        guard let entry = state.withLockedValue({ $0[address] }), nowMilliseconds < entry.endMilliseconds else {
            return nil
        }
        return entry.account
    }

    /// An address was found to have this account.
    func note(_ account: AccountID, of address: AccountAddress, _ nowMilliseconds: Int64) {
        let entry = Entry(account: account, endMilliseconds: nowMilliseconds + Self.memoryMilliseconds)
        state.withLockedValue { $0.note(entry, of: address) }
    }

    /// There is no such account any more.
    func forget(_ account: AccountID) {
        state.withLockedValue { $0.forget { $0.account == account } }
    }
}
