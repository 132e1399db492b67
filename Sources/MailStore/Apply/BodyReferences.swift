internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// References to bodies that one command adds and takes away. Each body's row is read and written once, in the order of
/// keys, which the store likes best.
struct BodyReferences {
    private struct Name: Hashable, Comparable {
        let account: AccountID
        let body: BodyID
        static func < (a: Name, b: Name) -> Bool { (a.account, a.body) < (b.account, b.body) }
    }

    private struct Body {
        let old: ByteBuffer
        var row: BodyRow
    }

    private var bodies: [Name: Body] = [:]

    /// Adds or takes away references of the scope's account, and notes it: ``write(to:)`` changes the rows.
    ///
    /// - Returns: how many more rows that are; the last reference takes the bytes with it.
    mutating func count(_ change: Int, of body: BodyID, in scope: CommandScope) throws -> Int {
        let name = Name(account: scope.accountID, body: body)
        let known = bodies[name]
        var changed: Body
        if let known {
            changed = known
        } else {
            guard let old = try scope.lookUp(scope.key(.bodies, of: body)) else {
                throw DecodingError(.truncated, offset: 0, subject: "body row of a stored message")
            }
            changed = Body(old: old, row: try BodyRow(row: old))
        }
        guard let count = UInt32(exactly: Int64(changed.row.references) + Int64(change)) else {
            throw DecodingError(.outOfRange, offset: 1, subject: "references in a body row")
        }
        changed.row.references = count
        bodies[name] = changed
        return (known == nil ? 1 : 0) + (count == 0 ? Int(changed.row.chunks) : 0)
    }

    /// Changes the rows of all bodies that were noted, of whichever account of the scope's group.
    func write(to scope: CommandScope) {
        let sorted = bodies.sorted { $0.key < $1.key }
        for (name, body) in sorted {
            let key = scope.ofAccount(name.account).key(.bodies, of: name.body)
            if body.row.references > 0 {
                scope.putLookedUp(key, row: body.row.row, replacing: body.old)
            } else {
                scope.deleteLookedUp(key, old: body.old)
            }
        }
        for (name, body) in sorted where body.row.references == 0 {
            let owner = BodyCommands(scope: scope.ofAccount(name.account))
            owner.removeChunks(of: name.body, count: body.row.chunks)
        }
    }
}
