/// Everything that can be read of a group: accounts by their addresses, and what an account has.
public enum GroupQuery: Hashable, Sendable {
    /// The account with an address.
    case account(AccountAddress)
    /// Accounts in the order of their addresses: at most `limit` of those behind `after`, which is empty for the first.
    case accounts(after: String, limit: Int)
    /// What a query says of one account.
    case mail(MailQuery, of: AccountID)
}

/// What a query of a group found.
public enum GroupAnswer: Hashable, Sendable {
    /// Answers ``GroupQuery/account(_:)``; nil where the group has no such account.
    case account(AccountRecord?)
    /// Answers ``GroupQuery/accounts(after:limit:)``.
    case accounts([AccountRecord])
    /// Answers ``GroupQuery/mail(_:of:)``.
    case mail(MailAnswer)
}
