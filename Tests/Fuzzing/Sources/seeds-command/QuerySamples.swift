internal import MailModel
internal import NIOCore

/// What nodes ask each other of a group, and some answers.
enum QuerySamples {
    static let queries: [GroupQuery] = {
        let mail: [MailQuery] = [
            .account, .mailboxes, .mailbox(name("Größe/x")), .messages(MailboxID(7), fromUID: UID(.max), limit: 1),
            .changes(MailboxID(7), since: .maximum, newFrom: UID(1)), .details(MailboxID(7), uids(1...3, 9...9)),
            .body(BodyID(high: 1, low: .max), offset: 1 << 30, maximumBytes: 1_000),
        ]
        let accounts: [GroupQuery] = [
            .account(Samples.address), .accounts(after: "", limit: 1), .accounts(after: "anna@example.org", limit: 100),
        ]
        return accounts + mail.map { .mail($0, of: AccountID(1 << 32 | 5)) }
    }()

    static let answers: [GroupAnswer] = {
        let account = AccountRecord(
            id: AccountID(1 << 32 | 5),
            address: Samples.address,
            credential: CredentialHash(bytes: [1, 2, 3]),
            quotaBytes: .max,
            created: Timestamp(milliseconds: -1)
        )
        let mail: [MailAnswer] = [
            .missing, .account(account), .mailboxes([]), .details([]), .body(ByteBuffer(string: "a\r\n")),
        ]
        return [.account(nil), .account(account), .accounts([]), .accounts([account, account])] + mail.map { .mail($0) }
    }()
}
