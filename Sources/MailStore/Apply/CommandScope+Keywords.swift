internal import MailModel
internal import NIOCore
internal import StateStorage

/// The keywords of mailboxes.
extension CommandScope {
    func keywordTable(of contents: ContentsID) throws -> KeywordTable {
        let row = try lookUp(key(.keywords, of: contents))
        return try row.map { try KeywordTable(row: $0) } ?? KeywordTable()
    }

    /// Puts the keyword table as a command has changed it.
    func setKeywordTable(_ changed: KeywordTable, of contents: ContentsID) throws {
        let tableKey = key(.keywords, of: contents)
        var table = changed
        table.giveBack()
        let old = try lookUp(tableKey)
        let new = table.row
        guard old != new else { return }
        if let new {
            putLookedUp(tableKey, row: new, replacing: old)
        } else if let old {
            deleteLookedUp(tableKey, old: old)
        }
    }

    /// The keywords of contents that no mailbox has any more.
    func removeKeywordTable(of contents: ContentsID) throws {
        let tableKey = key(.keywords, of: contents)
        if let row = try lookUp(tableKey) { deleteLookedUp(tableKey, old: row) }
    }
}
