public import GatewaySupport
internal import MailModel
internal import NIOConcurrencyHelpers

/// How many sessions one account and one client address have at once. Servers that share it count together: a node has
/// one for IMAP and IMAPS.
public final class ClientLimits: Sendable {
    private let accounts: NIOLockedValueBox<UseCounter<AccountReference>>
    /// How many sessions one client address has at once.
    public let addresses: AddressLimit
    /// How many sessions one account has at once; 0: any number.
    public let sessionsPerAccount: Int
    let log = LimitLog()

    /// Limits that count nothing yet.
    ///
    /// - Parameters:
    ///   - sessionsPerAccount: logins of one account at once; 0: any number.
    ///   - addresses: connections of one client address at once.
    public init(sessionsPerAccount: Int = 50, addresses: AddressLimit = AddressLimit(sessionsPerAddress: 200)) {
        self.sessionsPerAccount = sessionsPerAccount
        self.addresses = addresses
        accounts = NIOLockedValueBox(UseCounter(limit: sessionsPerAccount))
    }

    fileprivate func begin(_ account: AccountReference) -> Bool { accounts.withLockedValue { $0.begin(account) } }

    fileprivate func end(_ account: AccountReference) { accounts.withLockedValue { $0.end(account) } }

    /// Accounts and addresses that have sessions now, for tests.
    var counted: (accounts: Int, addresses: Int) {
        (accounts.withLockedValue { $0.keyCount }, addresses.addressCount)
    }
}

/// What one connection counts for. However it ends, it is counted out once.
struct CountedClient {
    private let limits: ClientLimits
    private var address: CountedAddress
    private var account: AccountReference?

    init(_ limits: ClientLimits) {
        self.limits = limits
        address = CountedAddress(limits.addresses)
    }

    /// - Parameter text: the address as the system writes it; nil for connections that have none.
    /// - Returns: whether the address may have another connection.
    mutating func enterAddress(_ text: String?) -> Bool { address.enter(text) }

    /// - Returns: whether the account may have another session.
    mutating func enterAccount(_ new: AccountReference) -> Bool {
        guard account == nil else { return true }
        guard limits.begin(new) else { return false }
        account = new
        return true
    }

    /// The session has ended; its connection may still have bytes to send.
    mutating func leaveAccount() {
        guard let account else { return }
        self.account = nil
        limits.end(account)
    }

    mutating func leave() {
        leaveAccount()
        address.leave()
    }
}
