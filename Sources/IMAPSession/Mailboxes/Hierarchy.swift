internal import IMAPSyntax
internal import MailModel

/// The tree of an account's mailboxes, for LIST and LSUB.
struct Hierarchy {
    struct Node {
        let name: IMAPSyntax.MailboxName
        /// Nil for a level that is only implied by mailboxes below it.
        var record: MailboxRecord?
        /// A mailbox that can be selected is below.
        var hasChildren = false
        /// A subscribed name is below.
        var hasSubscribed = false
        /// A mailbox with a special use is below.
        var hasSpecialUse = false

        var isSelectable: Bool { record?.selectable == true }
        var isSubscribed: Bool { record?.subscribed == true }
        /// Levels without messages show only to hold mailboxes below them.
        var isVisible: Bool { isSelectable || hasChildren }
    }

    /// In the order of their names.
    let nodes: [Node]

    init(_ records: [MailboxRecord]) {
        var nodes: [MailModel.MailboxName: Node] = [:]
        for record in records {
            nodes[record.name, default: Node(name: IMAPSyntax.MailboxName(record.name))].record = record
            for ancestor in record.name.ancestors {
                var node = nodes[ancestor] ?? Node(name: IMAPSyntax.MailboxName(ancestor))
                if record.selectable { node.hasChildren = true }
                if record.subscribed { node.hasSubscribed = true }
                if record.selectable, record.specialUse != nil { node.hasSpecialUse = true }
                nodes[ancestor] = node
            }
        }
        // INBOX first, as people expect it.
        self.nodes = nodes.sorted { ($0.key.isInbox ? 0 : 1, $0.key) < ($1.key.isInbox ? 0 : 1, $1.key) }.map(\.value)
    }
}
