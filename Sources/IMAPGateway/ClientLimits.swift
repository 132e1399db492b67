public import MailModel
internal import NIOConcurrencyHelpers
internal import NIOCore

/// How many sessions one account and one client address have at once. Servers that share it count together: a node has
/// one for IMAP and IMAPS.
public final class ClientLimits: Sendable {
    private struct State {
        var accounts: UseCounter<AccountReference>
        var addresses: UseCounter<ClientAddress>
        /// When the log may hear of a client that was turned away.
        var tellAgain: NIODeadline?
    }

    private let state: NIOLockedValueBox<State>
    private let unlimited: [ClientAddressRange]
    public let sessionsPerAccount: Int
    public let sessionsPerAddress: Int

    /// How many seconds pass between lines in the log about clients that were turned away.
    private static let silenceSeconds: Int64 = 60

    public static let loopback = ["127.0.0.0/8", "::1"].compactMap { ClientAddressRange($0) }

    /// - Parameters:
    ///   - sessionsPerAccount: logins of one account at once; 0: any number.
    ///   - sessionsPerAddress: connections of one IPv4 address, or one IPv6 network of 64 bits, at once; 0: any number.
    ///   - unlimited: addresses behind which there are many clients, such as those of a proxy or of a webmail.
    public init(
        sessionsPerAccount: Int = 50,
        sessionsPerAddress: Int = 200,
        unlimited: [ClientAddressRange] = loopback
    ) {
        self.sessionsPerAccount = sessionsPerAccount
        self.sessionsPerAddress = sessionsPerAddress
        self.unlimited = unlimited
        state = NIOLockedValueBox(
            State(accounts: UseCounter(limit: sessionsPerAccount), addresses: UseCounter(limit: sessionsPerAddress))
        )
    }

    fileprivate func begin(_ account: AccountReference) -> Bool {
        state.withLockedValue { $0.accounts.begin(account) }
    }

    fileprivate func begin(_ address: ClientAddress) -> Bool { state.withLockedValue { $0.addresses.begin(address) } }
    fileprivate func end(_ account: AccountReference) { state.withLockedValue { $0.accounts.end(account) } }
    fileprivate func end(_ address: ClientAddress) { state.withLockedValue { $0.addresses.end(address) } }

    fileprivate func isUnlimited(_ address: ClientAddress) -> Bool { unlimited.contains { $0.contains(address) } }

    /// Whether the log is to hear of a client that was turned away now: somebody who tries all the time would fill it.
    func mayTell(at now: NIODeadline) -> Bool {
        state.withLockedValue { state in
            if let next = state.tellAgain, now < next { return false }
            state.tellAgain = now + .seconds(Self.silenceSeconds)
            return true
        }
    }

    /// Accounts and addresses that have sessions now, for tests.
    var counted: (accounts: Int, addresses: Int) {
        state.withLockedValue { ($0.accounts.keyCount, $0.addresses.keyCount) }
    }
}

/// What one connection counts for. However it ends, it is counted out once.
struct CountedClient {
    private let limits: ClientLimits
    private var address: ClientAddress?
    private var account: AccountReference?

    init(_ limits: ClientLimits) { self.limits = limits }

    /// - Parameter text: the address as the system writes it; nil for connections that have none.
    /// - Returns: whether the address may have another connection.
    mutating func enter(address text: String?) -> Bool {
        guard address == nil, let found = text.flatMap({ ClientAddress($0) }), !limits.isUnlimited(found) else {
            return true
        }
        guard limits.begin(found.client) else { return false }
        address = found.client
        return true
    }

    /// - Returns: whether the account may have another session.
    mutating func enter(account new: AccountReference) -> Bool {
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
        guard let address else { return }
        self.address = nil
        limits.end(address)
    }
}
