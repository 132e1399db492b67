internal import IMAPSyntax
internal import MailModel

/// A LIST or LSUB under way (RFC 3501, sections 6.3.8 and 6.3.9; RFC 5258; RFC 5819; RFC 6154).
struct ListWork {
    private enum Answer {
        case list(ListCommand)
        /// `%` also shows levels that are not subscribed, when a subscribed name lies below them.
        case lsub(showsLevelsAbove: Bool)
    }

    private let tag: String
    private let answer: Answer
    /// The last one is put into the tree next.
    private var records: [MailboxRecord] = []
    private var hierarchy = Hierarchy()
    /// Looks for names that RECURSIVEMATCH tells of by a level above them; nil when it is done.
    private var marking: HierarchyWalk?
    private var writing: HierarchyWalk
    private(set) var isDone = false

    private init(tag: String, answer: Answer, matcher: MailboxMatcher) {
        self.tag = tag
        self.answer = answer
        writing = HierarchyWalk(matcher, leavesOutUnmatched: true)
        if case .list(let command) = answer, command.selection.contains(.recursiveMatch) {
            marking = HierarchyWalk(matcher, leavesOutUnmatched: false)
        }
    }

    static func begin(_ command: ListCommand, tag: String, in session: inout Session) {
        if !command.isExtended, let pattern = command.patterns.first, pattern.isPossible, pattern.text.isEmpty {
            session.encoder.listDelimiter()
            return session.succeed(tag, "That is all")
        }
        if let item = command.statusItems.first(where: { !$0.isSupported }) {
            return session.answerBad(tag, "STATUS does not know \(item.rawValue) here")
        }
        if command.statusItems.contains(.highestModSeq) { session.enableCondstore() }
        let patterns = command.patterns.map { $0.relative(to: command.reference) }
        beginListing(tag: tag, answer: .list(command), patterns: patterns, in: &session)
    }

    static func beginLsub(_ pattern: MailboxPattern, below reference: String, tag: String, in session: inout Session) {
        let pattern = pattern.relative(to: reference)
        let showsLevelsAbove = !pattern.text.contains("*")
        beginListing(tag: tag, answer: .lsub(showsLevelsAbove: showsLevelsAbove), patterns: [pattern], in: &session)
    }

    private static func beginListing(
        tag: String,
        answer: Answer,
        patterns: [MailboxPattern],
        in session: inout Session
    ) {
        let limits = session.settings.limits
        let matcher = MailboxMatcher(patterns, maximumNameBytes: limits.mailboxNameBytes)
        guard matcher.parts <= limits.listPatternParts else {
            return session.answerNo(
                tag,
                code: .limit,
                "The patterns of one LIST have at most \(limits.listPatternParts) letters and wildcards together"
            )
        }
        session.query(.mailboxes, for: tag) { session, reply in
            guard case .mailboxes(let records) = reply else { return endWithoutAccount(tag, in: &session) }
            var work = ListWork(tag: tag, answer: answer, matcher: matcher)
            work.records = records.reversed()
            session.beginWork(work) { $0.continueListing(in: &$1) }
        }
    }

    /// An account without mailboxes is one that was deleted: an empty list would make clients drop their mail.
    private static func endWithoutAccount(_ tag: String, in session: inout Session) {
        session.refuse(tag, .noSuchAccount)
        session.encoder.untagged(.bye, code: nil, text: "This account does not exist any more")
        session.end()
    }

    /// Goes on until the LIST is done, or other connections must get a turn.
    private mutating func continueListing(in session: inout Session) {
        var budget = SessionLimits.listStepsPerTurn
        while budget > 0, let record = records.popLast() {
            hierarchy.insert(record)
            budget -= SessionLimits.listNodeSteps * (record.name.ancestorCount + 1) + record.name.text.utf8.count
        }
        while budget > 0, marking != nil { budget -= markNext() }
        while budget > 0, session.encoder.writtenBytes < SessionLimits.writeBytes {
            let before = writing.steps
            guard let stop = writing.next(hierarchy) else {
                isDone = true
                return session.succeed(tag, "That is all")
            }
            if stop.isMatch { writeLevel(hierarchy.listed(stop.node), in: &session) }
            budget -= writing.steps - before + (stop.isMatch ? SessionLimits.listWriteSteps : 0)
        }
        giveWay(in: &session) { $0.continueListing(in: &$1) }
    }

    /// Looks at one more name for RECURSIVEMATCH.
    ///
    /// - Returns: the steps it took.
    private mutating func markNext() -> Int {
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

    private func writeLevel(_ node: ListedLevel, in session: inout Session) {
        let name = IMAPSyntax.MailboxName(String(decoding: writing.path, as: UTF8.self))
        switch answer {
        case .list(let command): writeListed(node, named: name, for: command, in: &session)
        case .lsub(let showsLevelsAbove):
            if node.isSubscribed {
                session.encoder.lsub(node.isSelectable ? [] : [.noSelect], name)
            } else if node.marks.contains(.hasSubscribed), showsLevelsAbove {
                session.encoder.lsub([.noSelect], name)
            }
        }
    }

    /// A level that is not selected itself is told when a selected name below is told by nothing else (RFC 5258,
    /// section 3.5: redundant CHILDINFO is left out).
    private func writeListed(
        _ node: ListedLevel,
        named name: IMAPSyntax.MailboxName,
        for command: ListCommand,
        in session: inout Session
    ) {
        let isSelected = node.isSelected(by: command.selection)
        let hasSelectedBelow = node.marks.contains(.hasSelectedUnmatched)
        guard isSelected || hasSelectedBelow else { return }
        session.encoder.list(
            node.attributes(command),
            name,
            childInfoSubscribed: hasSelectedBelow && command.selection.contains(.subscribed)
        )
        if let record = node.record, record.selectable, isSelected, !command.statusItems.isEmpty {
            session.writeStatus(record, command.statusItems)
        }
    }
}

extension ListWork: CommandWork {
    var underWay: CommandUnderWay { .list(self) }

    init?(_ command: CommandUnderWay) {
        guard case .list(let work) = command else { return nil }
        self = work
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
