internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// References to bodies that one command adds and takes away. Each body's row is read and written once, in the order of
/// keys, which the store likes best.
struct BodyReferences {
    fileprivate struct Name: Hashable, Comparable {
        let account: AccountID
        let body: BodyID
        static func < (a: Name, b: Name) -> Bool { (a.account, a.body) < (b.account, b.body) }
    }

    fileprivate struct Body {
        let old: ByteBuffer
        var row: BodyRow
    }

    fileprivate var bodies: [Name: Body] = [:]
}

extension MailApplier {
    /// Adds or takes away a reference, and notes it: ``MailApplier/putBodies(_:_:)`` changes the rows.
    ///
    /// - Returns: how many more rows that are; the last reference takes the bytes with it.
    func refer(
        _ context: Context,
        to body: BodyID,
        by change: Int,
        in references: inout BodyReferences
    ) throws -> Int {
        let name = BodyReferences.Name(account: context.account, body: body)
        let known = references.bodies[name]
        var changed: BodyReferences.Body
        if let known {
            changed = known
        } else {
            guard let old = try lookUp(Key(context.group, .bodies, context.account, body)) else {
                throw DecodingError(.truncated, offset: 0, subject: "body row of a stored message")
            }
            changed = BodyReferences.Body(old: old, row: try BodyRow(row: old))
        }
        guard let count = UInt32(exactly: Int64(changed.row.references) + Int64(change)) else {
            throw DecodingError(.outOfRange, offset: 1, subject: "references in a body row")
        }
        changed.row.references = count
        references.bodies[name] = changed
        return (known == nil ? 1 : 0) + (count == 0 ? Int(changed.row.chunks) : 0)
    }

    /// Changes the rows of all bodies that were noted.
    func putBodies(_ references: BodyReferences, _ context: Context) {
        let sorted = references.bodies.sorted { $0.key < $1.key }
        for (name, body) in sorted {
            let key = Key(context.group, .bodies, name.account, name.body)
            if body.row.references > 0 {
                putLookedUp(context, key, row: body.row.row, replacing: body.old)
            } else {
                deleteLookedUp(context, key, old: body.old)
            }
        }
        for (name, body) in sorted where body.row.references == 0 {
            let owner = Context(group: context.group, account: name.account, timestamp: context.timestamp)
            removeChunks(owner, of: name.body, count: body.row.chunks)
        }
    }
}
