internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Accounts that come, change and go.
struct AccountCommands {
    let scope: CommandScope

    func createAccount(
        at address: AccountAddress,
        credential: CredentialHash?,
        quotaBytes: UInt64,
        mailboxes defaults: [DefaultMailbox]
    ) throws -> MailOutcome {
        var key = scope.groupKey(.addresses)
        key.append(text: address.text)
        guard try scope.lookUp(key) == nil else { throw Refusal.accountExists }
        let id = AccountID(UInt64(scope.group.rawValue) << 32 | UInt64(try scope.takeAccountNumber()))
        var row = newRow(capacity: 9)
        row.writeInteger(id.rawValue)
        scope.putLookedUp(key, row: row, replacing: nil)

        let inner = scope.ofAccount(id)
        inner.setAccount(
            AccountRecord(
                id: id,
                address: address,
                credential: credential,
                quotaBytes: quotaBytes,
                created: scope.timestamp
            )
        )
        let mailboxes = MailboxCommands(scope: inner)
        _ = try mailboxes.addMailbox(named: .inbox, use: nil, subscribed: true)
        for mailbox in defaults where try inner.mailboxID(mailbox.name) == nil {
            _ = try mailboxes.addMailbox(named: mailbox.name, use: mailbox.use, subscribed: true)
        }
        return .accountCreated(id)
    }

    func setState(_ state: AccountState) throws -> MailOutcome {
        var record = try scope.account()
        record.state = state
        return keep(record)
    }

    func setCredential(_ credential: CredentialHash?) throws -> MailOutcome {
        var record = try scope.account()
        record.credential = credential
        return keep(record)
    }

    /// - Parameter bytes: 0 sets no limit.
    func setQuota(bytes: UInt64) throws -> MailOutcome {
        var record = try scope.account()
        record.quotaBytes = bytes
        return keep(record)
    }

    private func keep(_ changed: AccountRecord) -> MailOutcome {
        scope.setAccount(changed)
        return .done
    }

    /// Removes the account's record and address at once; its other rows are removed piece by piece.
    func deleteAccount() throws -> MailOutcome {
        let record = try scope.account()
        var addressKey = scope.groupKey(.addresses)
        addressKey.append(text: record.address.text)
        if let row = try scope.lookUp(addressKey) { scope.deleteLookedUp(addressKey, old: row) }
        scope.removeAccount()
        RemnantCommands(scope: scope).leaveRemnant(of: .wholeAccount)
        return .done
    }
}
