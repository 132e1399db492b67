internal import Authentication
internal import Consensus
public import MailModel
internal import MailStore
internal import NIOPosix

/// An account and the group that serves it.
public struct PlacedAccount: Sendable {
    /// The account as this node's state has it.
    public let record: AccountRecord
    /// The number of the mail group that serves the account, from 1 on.
    public let group: UInt32
}

extension Node {
    /// Creates an account with INBOX and the mailboxes of `DefaultMailbox.standard`.
    ///
    /// - Parameters:
    ///   - password: empty for none yet.
    ///   - quotaBytes: 0 for no limit.
    /// - Returns: the account as the group has made it.
    /// - Throws: ``AdministrationError``: `.alreadyExists`; `.invalidArgument` for what is no address, or a password
    ///   that is too long; `.failedPrecondition` where the group refuses; `.unavailable` where no quorum answers in
    ///   time.
    public func createAccount(
        _ address: String,
        password: String,
        quotaBytes: UInt64
    ) async throws(AdministrationError) -> PlacedAccount {
        let address = try parse(address)
        let credential = password.isEmpty ? nil : try await hash(password)
        let command = MailCommand.createAccount(
            address: address,
            credential: credential,
            quotaBytes: quotaBytes,
            mailboxes: DefaultMailbox.standard
        )
        switch try await submit(command, to: mail.group(of: address.slot), account: AccountID(0)) {
        case .accountCreated: return try await account(address.text)
        case .refused(.accountExists):
            throw AdministrationError(.alreadyExists, "the account \(address) exists already")
        case let outcome: throw unexpected(outcome)
        }
    }

    /// Reads the account with an address, from a state that has everything acknowledged before the call.
    ///
    /// - Throws: ``AdministrationError``: `.invalidArgument` for what is no address, `.notFound` for an account that
    ///   does not exist, `.unavailable` where no quorum answers in time.
    public func account(_ address: String) async throws(AdministrationError) -> PlacedAccount {
        let address = try parse(address)
        let group = mail.group(of: address.slot)
        guard case .success(let record) = await mail.readAccount(address) else { throw .unavailable }
        guard let record else {
            throw AdministrationError(
                .notFound,
                "there is no account \(address); `staffettactl account list` shows all"
            )
        }
        return PlacedAccount(record: record, group: group.rawValue)
    }

    /// Accounts group by group, in the order of their addresses within each.
    ///
    /// - Parameter token: empty for the first page; then what the page before gave.
    /// - Returns: at most `limit`, and the token of the next page, empty at the end.
    /// - Throws: ``AdministrationError``: `.invalidArgument` for a token that no page gave, `.unavailable` where no
    ///   quorum of a group answers in time.
    public func accounts(
        token: String,
        limit: Int
    ) async throws(AdministrationError) -> (accounts: [PlacedAccount], nextToken: String) {
        var first = GroupID(1)
        var after = ""
        if !token.isEmpty {
            let parts = token.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let id = UInt32(parts[0]), id > 0, parts[1].utf8.count <= MailLimits.addressBytes
            else {
                throw AdministrationError(.invalidArgument, "the page token is none that a list gave")
            }
            first = GroupID(id)
            after = String(parts[1])
        }
        var accounts: [PlacedAccount] = []
        for current in mail.directory.now.groups.map(\.id) where current >= first {
            let (start, room) = (current == first ? after : "", limit - accounts.count)
            guard case .success(let page) = await mail.readAccounts(of: current, after: start, limit: room) else {
                throw .unavailable
            }
            accounts += page.map { PlacedAccount(record: $0, group: current.rawValue) }
            if accounts.count == limit {
                let last = accounts[accounts.count - 1]
                return (accounts, "\(last.group):\(last.record.address.text)")
            }
        }
        return (accounts, "")
    }

    /// Suspends an account, or takes the suspension back.
    ///
    /// - Returns: the account as the change has left it.
    /// - Throws: ``AdministrationError``, as ``account(_:)`` does.
    public func setState(_ state: AccountState, of address: String) async throws(AdministrationError) -> PlacedAccount {
        try await change(address, .setAccountState(state))
    }

    /// Gives an account another password, which is hashed on the password pool.
    ///
    /// - Returns: the account as the change has left it.
    /// - Throws: ``AdministrationError``, as ``account(_:)`` does; `.invalidArgument` for a password that is empty or
    ///   too long.
    public func setPassword(_ password: String, of address: String) async throws(AdministrationError) -> PlacedAccount {
        _ = try await account(address)
        return try await change(address, .setCredential(try await hash(password)))
    }

    /// Limits what the messages of an account may take up.
    ///
    /// - Parameter bytes: 0 for no limit.
    /// - Returns: the account as the change has left it.
    /// - Throws: ``AdministrationError``, as ``account(_:)`` does.
    public func setQuota(_ bytes: UInt64, of address: String) async throws(AdministrationError) -> PlacedAccount {
        try await change(address, .setQuota(bytes: bytes))
    }

    /// Deletes an account with all its mail. Nothing brings it back.
    ///
    /// - Throws: ``AdministrationError``, as ``account(_:)`` does.
    public func deleteAccount(_ address: String) async throws(AdministrationError) {
        let placed = try await account(address)
        let outcome = try await submit(.deleteAccount, to: GroupID(placed.group), account: placed.record.id)
        guard outcome == .done else { throw unexpected(outcome) }
    }

    private func change(_ address: String, _ command: MailCommand) async throws(AdministrationError) -> PlacedAccount {
        let placed = try await account(address)
        let outcome = try await submit(command, to: GroupID(placed.group), account: placed.record.id)
        guard outcome == .done else { throw unexpected(outcome) }
        return try await account(address)
    }

    private func submit(
        _ command: MailCommand,
        to group: GroupID,
        account: AccountID
    ) async throws(AdministrationError) -> MailOutcome {
        switch await mail.submit(command, to: group, account: account) {
        case .success(let outcome): return outcome
        case .failure: throw .unavailable
        }
    }

    private func parse(_ address: String) throws(AdministrationError) -> AccountAddress {
        // An account whose name had the quotes in it would get no mail: LMTP takes them off.
        guard let parsed = AccountAddress(path: address) else {
            throw AdministrationError(.invalidArgument, "\"\(address)\" is not an address of the form local@domain")
        }
        return parsed
    }

    private func hash(_ password: String) async throws(AdministrationError) -> CredentialHash {
        let hashed = try? await passwordPool.runIfActive { PasswordHash(hashing: Array(password.utf8)) }
        guard let hash = hashed ?? nil else {
            throw AdministrationError(
                .invalidArgument,
                "a password has 1 to \(PasswordHash.maximumPasswordBytes) bytes"
            )
        }
        return CredentialHash(bytes: hash.encoded)
    }

    private func unexpected(_ outcome: MailOutcome) -> AdministrationError {
        if case .refused(.noSuchAccount) = outcome {
            return AdministrationError(.notFound, "the account is gone")
        }
        return AdministrationError(.failedPrecondition, "the group answered \(outcome)")
    }
}
