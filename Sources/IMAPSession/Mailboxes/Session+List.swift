internal import IMAPSyntax
internal import MailModel

/// LIST and LSUB (RFC 3501, sections 6.3.8 and 6.3.9; RFC 5258; RFC 5819; RFC 6154).
extension Session {
    mutating func list(_ tag: String, _ command: ListCommand) {
        if !command.isExtended, command.patterns.first?.text.isEmpty == true {
            encoder.listDelimiter()
            return succeed(tag, "That is all")
        }
        if let item = command.statusItems.first(where: { !$0.isSupported }) {
            return bad(tag, "STATUS does not know \(item.rawValue) here")
        }
        if command.statusItems.contains(.highestModSeq) { isCondstoreEnabled = true }
        query(.mailboxes, for: tag) { session, answer in
            guard case .mailboxes(let records) = answer else { return session.missingAccount(tag) }
            session.writeList(Hierarchy(records), command)
            session.succeed(tag, "That is all")
        }
    }

    mutating func lsub(_ tag: String, _ reference: String, _ pattern: MailboxPattern) {
        query(.mailboxes, for: tag) { session, answer in
            guard case .mailboxes(let records) = answer else { return session.missingAccount(tag) }
            session.writeSubscribed(Hierarchy(records), pattern.relative(to: reference))
            session.succeed(tag, "That is all")
        }
    }

    /// An account without mailboxes is one that was deleted: an empty list would make clients drop their mail.
    private mutating func missingAccount(_ tag: String) {
        refuse(tag, .noSuchAccount)
        encoder.untagged(.bye, nil, "This account does not exist any more")
        end()
    }

    private mutating func writeList(_ hierarchy: Hierarchy, _ command: ListCommand) {
        let patterns = command.patterns.map { $0.relative(to: command.reference) }
        for node in hierarchy.nodes where patterns.contains(where: { $0.matches(node.name) }) {
            let isSelected = node.matches(command.selection)
            let hasSelectedBelow = command.selection.contains(.recursiveMatch) && node.hasBelow(command.selection)
            guard isSelected || hasSelectedBelow else { continue }
            encoder.list(
                node.attributes(command),
                node.name,
                childInfoSubscribed: hasSelectedBelow && command.selection.contains(.subscribed)
            )
            if let record = node.record, record.selectable, isSelected, !command.statusItems.isEmpty {
                writeStatus(record, command.statusItems)
            }
            if encoder.writtenBytes >= SessionLimits.writeBytes { flush() }
        }
    }

    /// `%` also shows levels that are not subscribed, when a subscribed name lies below them.
    private mutating func writeSubscribed(_ hierarchy: Hierarchy, _ pattern: MailboxPattern) {
        let reachesBelow = pattern.text.contains("*")
        for node in hierarchy.nodes where pattern.matches(node.name) {
            if node.isSubscribed {
                encoder.lsub(node.isSelectable ? [] : [.noSelect], node.name)
            } else if node.hasSubscribed, !reachesBelow {
                encoder.lsub([.noSelect], node.name)
            }
        }
    }
}

extension Hierarchy.Node {
    /// Whether the selection options ask for this mailbox.
    fileprivate func matches(_ selection: ListCommand.SelectionOptions) -> Bool {
        if selection.contains(.subscribed), !isSubscribed { return false }
        if selection.contains(.specialUse), record?.specialUse == nil { return false }
        return selection.contains(.subscribed) || isVisible
    }

    /// Whether they ask for a mailbox below.
    fileprivate func hasBelow(_ selection: ListCommand.SelectionOptions) -> Bool {
        if selection.contains(.subscribed), !hasSubscribed { return false }
        if selection.contains(.specialUse), !hasSpecialUse { return false }
        return true
    }

    fileprivate func attributes(_ command: ListCommand) -> [ListAttribute] {
        var attributes: [ListAttribute] = []
        if !isSelectable { attributes.append(command.isExtended ? .nonExistent : .noSelect) }
        if isSubscribed, command.returns.contains(.subscribed) || command.selection.contains(.subscribed) {
            attributes.append(.subscribed)
        }
        attributes.append(hasChildren ? .hasChildren : .hasNoChildren)
        if isSelectable, let use = record?.specialUse { attributes.append(.use(SpecialUse(use))) }
        return attributes
    }
}

private typealias SpecialUse = IMAPSyntax.SpecialUse
