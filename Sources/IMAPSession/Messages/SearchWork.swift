internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// A SEARCH under way (RFC 3501, section 6.4.4; RFC 4731; RFC 7162, section 3.1.5): one message at a time, and of that
/// one piece at a time.
struct SearchWork {
    let tag: String
    private let numberSpace: NumberSpace
    /// What ESEARCH returns; nil for the plain list of numbers.
    private let returns: SearchReturn?
    private let condition: SearchCondition
    /// Looks for the terms in what is stored with the messages, and in their bytes.
    private let searcher: any MessageSearching
    private let usesModSeq: Bool
    private let usesSentDay: Bool
    /// The steps that one message costs: the number of conditions.
    private let stepsPerMessage: Int
    /// The next index to look at, of those there were at the start.
    private var next = 0
    private let end: Int
    /// Indexes of messages whose rows are needed.
    private var undecided: [Int] = []
    /// Their rows, the next one last.
    var details: [MessageDetails] = []
    /// The message whose bytes are searched.
    private var current: (index: Int, details: MessageDetails)?
    private var range: Range<UInt64>?
    /// Bytes that were read and not looked at.
    private var unsearched = ByteBuffer()
    /// Indexes of messages that met the condition.
    private var found: [Int] = []
    /// How many of the numbers or ranges of the result are written.
    private var writtenCount = 0
    var detailsPerQuery: Int
    let leading: LeadingBytes
    var isDone = false

    static func begin(_ command: SearchCommand, tag: String, in session: inout Session) {
        guard let work = SearchWork(command, tag: tag, in: &session) else { return }
        session.beginWork(work) { $0.continueSearch(in: &$1) }
    }

    /// Nil when the command was refused.
    private init?(_ command: SearchCommand, tag: String, in session: inout Session) {
        guard let view = session.view else { return nil }
        if let returns = command.returns, returns.options.contains(.save) || returns.partial != nil {
            session.answerBad(tag, "SEARCH cannot return this")
            return nil
        }
        let tools = session.tools
        if case .named(let charset) = command.charset, tools.utf8([], charset: charset) == nil {
            session.answerNo(tag, code: .badCharset(["US-ASCII", "UTF-8"]), "This charset is not known here")
            return nil
        }
        var compiler = SearchCompiler(view: view, nowSeconds: session.now.rawValue / 1_000) { text in
            guard case .named(let charset) = command.charset else { return text }
            return tools.utf8(text, charset: charset) ?? text
        }
        do throws(MessageSetProblem) {
            condition = try compiler.compile(command.key)
        } catch {
            session.answerBad(tag, error.sentence)
            return nil
        }
        if compiler.usesModSeq { session.enableCondstore() }
        self.tag = tag
        numberSpace = command.numberSpace
        returns = command.returns
        searcher = tools.makeSearcher(compiler.terms)
        leading = compiler.terms.reduce(.none) { $0.union($1.leading) }
        detailsPerQuery = leading.maximum > 0 ? SessionLimits.firstDetailsWithBytes : SessionLimits.firstDetails
        usesModSeq = compiler.usesModSeq
        usesSentDay = compiler.usesSentDay
        stepsPerMessage = max(1, compiler.conditions)
        end = view.count
    }

    /// Decides conditions by what the view tells, until rows are needed or other connections must get a turn.
    private mutating func continueSearch(in session: inout Session) {
        guard let view = session.view else { return }
        let slice = max(1, min(SessionLimits.messagesPerSlice, SessionLimits.searchStepsPerTurn / stepsPerMessage))
        let sliceEnd = min(end, next + slice)
        // One for all messages: it refers to all that the view has.
        var subject = SearchCondition.Subject(view: view)
        while next < sliceEnd, undecided.count < detailsPerQuery {
            let index = next
            next += 1
            guard !view.isGone(view.uids[index]) else { continue }
            subject.index = index
            switch condition.isMet(subject) {
            case true: found.append(index)
            case false: continue
            case nil: undecided.append(index)
            }
        }
        let isFull = undecided.count >= detailsPerQuery
        let isAtEnd = next >= end
        if !undecided.isEmpty, isFull || isAtEnd { return queryUndecided(in: &session) }
        if isAtEnd { return beginResult(in: &session) }
        giveWay(in: &session) { $0.continueSearch(in: &$1) }
    }

    // MARK: Rows

    private func queryUndecided(in session: inout Session) {
        guard let view = session.view else { return }
        let set = UIDSet(undecided.lazy.map { UID(view.uids[$0]) })
        queryDetails(of: set, in: view.id, in: &session) { work, session in
            work.undecided = []
            work.searchDetails(in: &session)
        }
    }

    /// Looks at messages by their rows, until the bytes of one are needed.
    private mutating func searchDetails(in session: inout Session) {
        guard let view = session.view else { return }
        var budget = SessionLimits.searchStepsPerTurn
        var subject = SearchCondition.Subject(view: view)
        while let row = details.popLast() {
            // A summary is read once, at about a step for some bytes.
            budget -= stepsPerMessage + row.summary.readableBytes / 8
            guard let index = view.index(of: row.uid.rawValue) else { continue }
            describe(row, at: index, to: &subject, by: session.tools)
            budget -= searcher.start(summary: row.summary, sizeBytes: row.sizeBytes)
            switch condition.isMet(subject) {
            case true: found.append(index)
            case false: break
            case nil:
                current = (index, row)
                range = nil
                guard feedLeadingBytes(&budget) else { return giveWay(in: &session) { $0.searchBody(in: &$1) } }
                if condition.isMet(subject) == true { found.append(index) }
                current = nil
            }
            guard budget > 0 else { return giveWay(in: &session) { $0.searchDetails(in: &$1) } }
        }
        giveWay(in: &session) { $0.continueSearch(in: &$1) }
    }

    /// Tells a subject all that a row says of the message.
    private func describe(
        _ row: MessageDetails,
        at index: Int,
        to subject: inout SearchCondition.Subject,
        by tools: any MessageTools
    ) {
        subject.index = index
        subject.details = row
        subject.searcher = searcher
        if usesSentDay { subject.outline = tools.summary(row.summary, needsStructure: false) }
    }

    // MARK: Bytes

    /// Searches the bytes that came with the message's row, as far as the budget reaches: a byte of text is a step.
    ///
    /// - Returns: whether no more bytes are needed.
    private mutating func feedLeadingBytes(_ budget: inout Int) -> Bool {
        while budget > 0 {
            if range?.isEmpty ?? true { range = searcher.nextRange() }
            guard let range else { return true }
            guard !range.isEmpty else { continue }
            let piece = range.prefix(bytes: UInt64(SessionLimits.searchedBytesPerSlice))
            guard let bytes = current?.details.leading.slice(of: piece) else { return false }
            self.range = (range.lowerBound + UInt64(bytes.readableBytes))..<range.upperBound
            searcher.feed(bytes)
            budget -= bytes.readableBytes
        }
        return false
    }

    private mutating func searchBody(in session: inout Session) {
        if range?.isEmpty ?? true { range = searcher.nextRange() }
        guard let range, let details = current?.details else { return finishBody(in: &session) }
        guard !range.isEmpty else { return searchBody(in: &session) }
        if let leading = details.leading.slice(of: range) {
            self.range = (range.lowerBound + UInt64(leading.readableBytes))..<range.upperBound
            unsearched = leading
            return searchPiece(in: &session)
        }
        let count = min(range.count, SessionLimits.bodyPieceBytes)
        query(.body(details.bodyID, offset: range.lowerBound, maximumBytes: count), in: &session) {
            $0.receiveBody($2, of: range, in: &$1)
        }
    }

    private mutating func receiveBody(
        _ result: Result<MailAnswer, ServiceFailure>,
        of wanted: Range<UInt64>,
        in session: inout Session
    ) {
        switch result {
        case .success(.body(let bytes)) where bytes.readableBytes > 0:
            let count = min(wanted.count, SessionLimits.bodyPieceBytes, bytes.readableBytes)
            range = (wanted.lowerBound + UInt64(count))..<wanted.upperBound
            unsearched = bytes
            searchPiece(in: &session)
        case .success:
            // The message was expunged and purged meanwhile: it is not found.
            current = nil
            range = nil
            searchDetails(in: &session)
        case .failure(let failure):
            isDone = true
            session.fail(tag, failure)
        }
    }

    /// Searches the bytes that were read, a slice at a time.
    private mutating func searchPiece(in session: inout Session) {
        let readable = unsearched.readableBytes
        let length = min(readable, SessionLimits.searchedBytesPerSlice)
        if let slice = unsearched.readSlice(length: length), length > 0 { searcher.feed(slice) }
        guard readable > length else { return giveWay(in: &session) { $0.searchBody(in: &$1) } }
        giveWay(in: &session) { $0.searchPiece(in: &$1) }
    }

    private mutating func finishBody(in session: inout Session) {
        if let view = session.view, let current {
            var subject = SearchCondition.Subject(view: view)
            describe(current.details, at: current.index, to: &subject, by: session.tools)
            if condition.isMet(subject) == true { found.append(current.index) }
        }
        current = nil
        range = nil
        searchDetails(in: &session)
    }

    // MARK: The result

    private mutating func beginResult(in session: inout Session) {
        guard let view = session.view else { return }
        session.badCommands = 0
        found.sort()
        guard let returns else {
            session.encoder.beginSearch()
            return writeFound(in: &session)
        }
        let result = extendedResult(returns, in: view)
        session.encoder.beginExtendedSearch(tag, result)
        writeRanges(of: result, in: &session)
    }

    /// The numbers of the messages found, in turns.
    private mutating func writeFound(in session: inout Session) {
        guard let view = session.view else { return }
        for index in found[writtenCount...].prefix(SessionLimits.foundPerTurn) {
            session.encoder.foundNumber(number(of: index, in: view))
            writtenCount += 1
        }
        guard writtenCount == found.count else { return giveWay(in: &session) { $0.writeFound(in: &$1) } }
        let highest = usesModSeq ? found.lazy.map { view.modSeqs[$0] }.max() : nil
        session.encoder.endSearch(highestModSeq: highest)
        conclude(in: &session)
    }

    /// The ranges of a result, in turns.
    private mutating func writeRanges(of result: ExtendedSearchResult, in session: inout Session) {
        let ranges = result.all?.ranges ?? []
        let next = ranges[writtenCount...].prefix(SessionLimits.foundPerTurn)
        session.encoder.foundRanges(next, areFirst: writtenCount == 0)
        writtenCount += next.count
        guard writtenCount == ranges.count else {
            return giveWay(in: &session) { $0.writeRanges(of: result, in: &$1) }
        }
        session.encoder.endExtendedSearch(result)
        conclude(in: &session)
    }

    private mutating func conclude(in session: inout Session) {
        isDone = true
        session.conclude(numberSpace == .uid ? .all : .withoutExpunge) { [tag] session in
            session.encoder.tagged(tag, .ok, code: nil, text: "Searched")
        }
    }

    private func number(of index: Int, in view: MailboxView) -> UInt32 {
        numberSpace == .uid ? view.uids[index] : UInt32(index + 1)
    }

    private func extendedResult(_ returns: SearchReturn, in view: MailboxView) -> ExtendedSearchResult {
        var result = ExtendedSearchResult(numberSpace)
        if returns.options.contains(.min) { result.min = found.first.map { number(of: $0, in: view) } }
        if returns.options.contains(.max) { result.max = found.last.map { number(of: $0, in: view) } }
        if returns.options.contains(.count) { result.count = found.count }
        if returns.options.contains(.all) { result.all = NumberSet(found.lazy.map { number(of: $0, in: view) }) }
        if usesModSeq {
            // Of what is told, when only the ends are (RFC 7162, section 3.1.5).
            var told = found
            switch returns.options {
            case .min: told = Array(told.prefix(1))
            case .max: told = Array(told.suffix(1))
            case [.min, .max]: told = [told.first, told.last].compactMap { $0 }
            default: break
            }
            result.highestModSeq = told.lazy.map { view.modSeqs[$0] }.max()
        }
        return result
    }
}

extension SearchWork: DetailsWork {
    var underWay: CommandUnderWay { .search(self) }

    init?(_ command: CommandUnderWay) {
        guard case .search(let work) = command else { return nil }
        self = work
    }
}

extension SearchTerm {
    /// Which of a message's first bytes it is likely to need.
    fileprivate var leading: LeadingBytes {
        switch self {
        // The summary has the envelope.
        case .envelope: .none
        case .header: .header(upTo: SessionLimits.leadingHeaderBytes)
        case .body, .text: .bytes(upTo: SessionLimits.leadingBodyBytes)
        }
    }
}
