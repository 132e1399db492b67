internal import IMAPSyntax
internal import MailModel

/// A LIST or LSUB under way. A class, as its tree is too large to be copied between turns.
final class ListWork {
    enum Answer {
        case list(ListCommand)
        /// `%` also shows levels that are not subscribed, when a subscribed name lies below them.
        case lsub(showsLevelsAbove: Bool)
    }

    fileprivate let tag: String
    fileprivate let answer: Answer
    fileprivate let matcher: MailboxMatcher
    /// The last one is put into the tree next.
    fileprivate var records: [MailboxRecord] = []
    fileprivate var hierarchy = Hierarchy()
    /// Looks for names that RECURSIVEMATCH tells of by a level above them; nil when it is done.
    fileprivate var marking: HierarchyWalk?
    fileprivate var writing: HierarchyWalk

    fileprivate init(tag: String, answer: Answer, matcher: MailboxMatcher) {
        self.tag = tag
        self.answer = answer
        self.matcher = matcher
        writing = HierarchyWalk(matcher, leavesOutUnmatched: true)
        if case .list(let command) = answer, command.selection.contains(.recursiveMatch) {
            marking = HierarchyWalk(matcher, leavesOutUnmatched: false)
        }
    }
}

/// LIST and LSUB (RFC 3501, sections 6.3.8 and 6.3.9; RFC 5258; RFC 5819; RFC 6154).
extension Session {
    mutating func beginList(_ tag: String, _ command: ListCommand) {
        if !command.isExtended, let pattern = command.patterns.first, pattern.isPossible, pattern.text.isEmpty {
            encoder.listDelimiter()
            return succeed(tag, "That is all")
        }
        if let item = command.statusItems.first(where: { !$0.isSupported }) {
            return answerBad(tag, "STATUS does not know \(item.rawValue) here")
        }
        if command.statusItems.contains(.highestModSeq) { enableCondstore() }
        beginListing(tag, answer: .list(command), patterns: command.patterns.map { $0.relative(to: command.reference) })
    }

    mutating func beginLsub(_ tag: String, reference: String, pattern: MailboxPattern) {
        let pattern = pattern.relative(to: reference)
        beginListing(tag, answer: .lsub(showsLevelsAbove: !pattern.text.contains("*")), patterns: [pattern])
    }

    private mutating func beginListing(_ tag: String, answer: ListWork.Answer, patterns: [MailboxPattern]) {
        let matcher = MailboxMatcher(patterns, maximumNameBytes: settings.limits.mailboxNameBytes)
        guard matcher.parts <= settings.limits.listPatternParts else {
            let limit = settings.limits.listPatternParts
            return answerNo(
                tag,
                code: .limit,
                "The patterns of one LIST have at most \(limit) letters and wildcards together"
            )
        }
        let work = ListWork(tag: tag, answer: answer, matcher: matcher)
        query(.mailboxes, for: tag) { session, answer in
            guard case .mailboxes(let records) = answer else { return session.missingAccount(tag) }
            work.records = records.reversed()
            session.continueListing(work)
        }
    }

    /// An account without mailboxes is one that was deleted: an empty list would make clients drop their mail.
    private mutating func missingAccount(_ tag: String) {
        refuse(tag, .noSuchAccount)
        encoder.untagged(.bye, code: nil, text: "This account does not exist any more")
        end()
    }

    /// Goes on until the LIST is done, or other connections must get a turn.
    private mutating func continueListing(_ work: ListWork) {
        var budget = SessionLimits.listStepsPerTurn
        while budget > 0, let record = work.records.popLast() {
            work.hierarchy.insert(record)
            budget -= SessionLimits.listNodeSteps * (record.name.ancestorCount + 1) + record.name.text.utf8.count
        }
        while budget > 0, work.marking != nil { budget -= work.mark() }
        while budget > 0, encoder.writtenBytes < SessionLimits.writeBytes {
            let before = work.writing.steps
            guard let stop = work.writing.next(work.hierarchy) else { return succeed(work.tag, "That is all") }
            if stop.isMatch { writeLevel(work.hierarchy.listed(stop.node), of: work) }
            budget -= work.writing.steps - before + (stop.isMatch ? SessionLimits.listWriteSteps : 0)
        }
        giveWay { $0.continueListing(work) }
    }

    private mutating func writeLevel(_ node: ListedLevel, of work: ListWork) {
        let name = IMAPSyntax.MailboxName(String(decoding: work.writing.path, as: UTF8.self))
        switch work.answer {
        case .list(let command): writeListed(node, named: name, for: command)
        case .lsub(let showsLevelsAbove):
            if node.isSubscribed {
                encoder.lsub(node.isSelectable ? [] : [.noSelect], name)
            } else if node.marks.contains(.hasSubscribed), showsLevelsAbove {
                encoder.lsub([.noSelect], name)
            }
        }
    }

    /// A level that is not selected itself is told when a selected name below is told by nothing else (RFC 5258,
    /// section 3.5: redundant CHILDINFO is left out).
    private mutating func writeListed(
        _ node: ListedLevel,
        named name: IMAPSyntax.MailboxName,
        for command: ListCommand
    ) {
        let isSelected = node.isSelected(by: command.selection)
        let hasSelectedBelow = node.marks.contains(.hasSelectedUnmatched)
        guard isSelected || hasSelectedBelow else { return }
        encoder.list(
            node.attributes(command),
            name,
            childInfoSubscribed: hasSelectedBelow && command.selection.contains(.subscribed)
        )
        if let record = node.record, record.selectable, isSelected, !command.statusItems.isEmpty {
            writeStatus(record, command.statusItems)
        }
    }
}

/// A level as LIST sees it.
private struct ListedLevel {
    /// The mailbox; nil for a level that only mailboxes below it imply.
    let record: MailboxRecord?
    let marks: Hierarchy.Marks

    var isSelectable: Bool { record?.selectable == true }
    var isSubscribed: Bool { record?.subscribed == true }
    /// Levels without messages show only to hold mailboxes below them.
    var isVisible: Bool { isSelectable || marks.contains(.hasChildren) }
}

extension Hierarchy {
    fileprivate func listed(_ node: Int) -> ListedLevel {
        ListedLevel(record: record(of: node), marks: marks(of: node))
    }
}

extension ListWork {
    /// Looks at one more name for RECURSIVEMATCH.
    ///
    /// - Returns: the steps it took.
    fileprivate func mark() -> Int {
        guard case .list(let command) = answer, let before = marking?.steps else { return 0 }
        guard let stop = marking?.next(hierarchy) else {
            marking = nil
            return 1
        }
        if !stop.isMatch, hierarchy.listed(stop.node).isSelected(by: command.selection) {
            hierarchy.markAbove(stop.node)
        }
        return (marking?.steps ?? before) - before
    }
}

extension ListedLevel {
    /// Whether the selection options ask for this mailbox.
    fileprivate func isSelected(by selection: ListCommand.SelectionOptions) -> Bool {
        if selection.contains(.subscribed), !isSubscribed { return false }
        if selection.contains(.specialUse), record?.specialUse == nil { return false }
        return selection.contains(.subscribed) || isVisible
    }

    fileprivate func attributes(_ command: ListCommand) -> [ListAttribute] {
        var attributes: [ListAttribute] = []
        if !isSelectable { attributes.append(command.isExtended ? .nonExistent : .noSelect) }
        if isSubscribed, command.returns.contains(.subscribed) || command.selection.contains(.subscribed) {
            attributes.append(.subscribed)
        }
        attributes.append(marks.contains(.hasChildren) ? .hasChildren : .hasNoChildren)
        if isSelectable, let use = record?.specialUse { attributes.append(.use(SpecialUse(use))) }
        return attributes
    }
}

extension MailModel.MailboxName {
    fileprivate var ancestorCount: Int { text.utf8.count { $0 == UInt8(ascii: "/") } }
}

private typealias SpecialUse = IMAPSyntax.SpecialUse
