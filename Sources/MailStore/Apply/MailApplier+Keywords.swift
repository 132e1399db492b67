internal import MailModel
internal import NIOCore
internal import StateStorage

/// The keywords of mailboxes.
extension MailApplier {
    func keywordTable(_ context: Context, _ contents: ContentsID) throws -> KeywordTable {
        let row = try lookUp(Key(context.group, .keywords, context.account, contents))
        return try row.map { try KeywordTable(row: $0) } ?? KeywordTable()
    }

    /// Puts the keyword table as a command has changed it.
    func setKeywords(_ context: Context, _ changed: KeywordTable, of contents: ContentsID) throws {
        let key = Key(context.group, .keywords, context.account, contents)
        var table = changed
        table.giveBack()
        let old = try lookUp(key)
        let new = table.row
        guard old != new else { return }
        if let new {
            putLookedUp(context, key, row: new, replacing: old)
        } else if let old {
            deleteLookedUp(context, key, old: old)
        }
    }

    /// The keywords of contents that no mailbox has any more.
    func removeKeywords(_ context: Context, _ contents: ContentsID) throws {
        let key = Key(context.group, .keywords, context.account, contents)
        if let row = try lookUp(key) { deleteLookedUp(context, key, old: row) }
    }
}
