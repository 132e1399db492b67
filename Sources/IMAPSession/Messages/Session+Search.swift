internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// A SEARCH under way: one message at a time, and of that one piece at a time.
struct SearchWork {
    let tag: String
    let command: SearchCommand
    let condition: SearchCondition
    /// The terms that are looked for in the messages' bytes.
    let search: any PreparedSearch
    let usesModSeq: Bool
    /// The steps that one message costs: the number of conditions.
    let stepsPerMessage: Int
    /// The next index to look at, of those there were at the start.
    var next = 0
    let end: Int
    /// Indexes of messages whose rows are needed.
    var undecided: [Int] = []
    /// Their rows, the next one last.
    var details: [MessageDetails] = []
    var current: SearchCondition.Subject?
    var range: Range<UInt64>?
    /// Bytes that were read and not looked at.
    var unsearched = ByteBuffer()
    /// Indexes of messages that met the condition.
    var found: [Int] = []
    var detailsPerQuery = SessionLimits.firstDetails
}

/// SEARCH (RFC 3501, section 6.4.4; RFC 4731; RFC 7162, section 3.1.5).
extension Session {
    mutating func search(_ tag: String, _ command: SearchCommand) {
        guard let view else { return }
        if let returns = command.returns {
            guard !returns.options.contains(.save), returns.partial == nil else {
                return answerBad(tag, "SEARCH cannot return this")
            }
        }
        if case .named(let charset) = command.charset, tools.utf8([], charset: charset) == nil {
            return answerNo(tag, code: .badCharset(["US-ASCII", "UTF-8"]), "This charset is not known here")
        }
        var compiler = SearchCompiler(view: view, nowSeconds: now.rawValue / 1_000) { [tools] text in
            guard case .named(let charset) = command.charset else { return text }
            return tools.utf8(text, charset: charset) ?? text
        }
        do throws(MessageSetProblem) {
            let condition = try compiler.compile(command.key)
            if compiler.usesModSeq { enableCondstore() }
            searching = SearchWork(
                tag: tag,
                command: command,
                condition: condition,
                search: tools.prepareSearch(compiler.terms),
                usesModSeq: compiler.usesModSeq,
                stepsPerMessage: max(1, compiler.conditions),
                end: view.count
            )
        } catch {
            return answerBad(tag, error.sentence)
        }
        continueSearch()
    }

    /// Decides conditions by what the view tells, until rows are needed or other connections must get a turn.
    private mutating func continueSearch() {
        guard let view, var work = searching else { return }
        searching = nil
        let slice = max(1, min(SessionLimits.messagesPerSlice, SessionLimits.searchStepsPerTurn / work.stepsPerMessage))
        let sliceEnd = min(work.end, work.next + slice)
        while work.next < sliceEnd, work.undecided.count < work.detailsPerQuery {
            let index = work.next
            work.next += 1
            guard !view.isGone(view.uids[index]) else { continue }
            switch work.condition.isMet(.init(view: view, index: index)) {
            case true: work.found.append(index)
            case false: continue
            case nil: work.undecided.append(index)
            }
        }
        let isFull = work.undecided.count >= work.detailsPerQuery
        let isAtEnd = work.next >= work.end
        let hasUndecided = !work.undecided.isEmpty
        searching = work
        if hasUndecided, isFull || isAtEnd { return querySearchDetails() }
        if isAtEnd { return finishSearch() }
        giveWay { $0.continueSearch() }
    }

    private mutating func querySearchDetails() {
        guard let view, let undecided = searching?.undecided, let tag = searching?.tag else { return }
        let set = UIDSet(undecided.lazy.map { UID(view.uids[$0]) })
        query(.details(view.id, set)) { session, result in
            switch result {
            case .success(.details(let details)):
                session.searching?.undecided = []
                session.searching?.details = details.reversed()
                let bytes = details.reduce(0) { $0 + $1.summary.readableBytes }
                session.searching?.detailsPerQuery = min(
                    SessionLimits.detailsPerPage,
                    max(1, SessionLimits.detailBytesPerPage / max(1, bytes / max(1, details.count)))
                )
                session.searchDetails()
            case .success:
                session.searching = nil
                session.failUnexpectedly(tag)
            case .failure(let failure):
                session.searching = nil
                session.fail(tag, failure)
            }
        }
    }

    /// Looks at messages by their rows, until the bytes of one are needed.
    private mutating func searchDetails() {
        guard let view, let stepsPerMessage = searching?.stepsPerMessage else { return }
        var budget = SessionLimits.searchStepsPerTurn
        while let details = searching?.details.popLast() {
            // A summary is read once, at about a step for some bytes.
            budget -= stepsPerMessage + details.summary.readableBytes / 8
            guard let index = view.index(of: details.uid.rawValue), let condition = searching?.condition else {
                continue
            }
            var subject = SearchCondition.Subject(view: view, index: index, details: details)
            subject.outline = tools.summary(details.summary)
            switch condition.isMet(subject) {
            case true: searching?.found.append(index)
            case false: break
            case nil:
                searching?.current = subject
                return beginSearchingBody(details)
            }
            guard budget > 0 else { return giveWay { $0.searchDetails() } }
        }
        giveWay { $0.continueSearch() }
    }

    private mutating func beginSearchingBody(_ details: MessageDetails) {
        guard let work = searching, let subject = work.current else { return }
        let searcher = work.search.makeSearcher(in: subject.outline, sizeBytes: details.sizeBytes)
        searching?.current?.searcher = searcher
        searchBody()
    }

    private mutating func searchBody() {
        if searching?.range?.isEmpty ?? true {
            let next = searching?.current?.searcher?.nextRange()
            searching?.range = next
        }
        guard let range = searching?.range, let details = searching?.current?.details, let tag = searching?.tag else {
            return finishBody()
        }
        guard !range.isEmpty else { return searchBody() }
        let count = min(range.count, SessionLimits.bodyPieceBytes)
        query(.body(details.bodyID, offset: range.lowerBound, maximumBytes: count)) { session, result in
            switch result {
            case .success(.body(let bytes)) where bytes.readableBytes > 0:
                let read = range.lowerBound + UInt64(min(count, bytes.readableBytes))
                session.searching?.range = read..<range.upperBound
                session.searching?.unsearched = bytes
                session.searchPiece()
            case .success:
                // The message was expunged and purged meanwhile: it is not found.
                session.searching?.current = nil
                session.searching?.range = nil
                session.searchDetails()
            case .failure(let failure):
                session.searching = nil
                session.fail(tag, failure)
            }
        }
    }

    /// Searches the bytes that were read, a slice at a time.
    private mutating func searchPiece() {
        let readable = searching?.unsearched.readableBytes ?? 0
        let length = min(readable, SessionLimits.searchedBytesPerSlice)
        if let slice = searching?.unsearched.readSlice(length: length), length > 0 {
            searching?.current?.searcher?.feed(slice)
        }
        guard readable > length else { return giveWay { $0.searchBody() } }
        giveWay { $0.searchPiece() }
    }

    private mutating func finishBody() {
        if let subject = searching?.current, let condition = searching?.condition, condition.isMet(subject) == true {
            searching?.found.append(subject.index)
        }
        searching?.current = nil
        searching?.range = nil
        searchDetails()
    }

    // MARK: The result

    private mutating func finishSearch() {
        guard var work = searching, let view else { return }
        searching = nil
        badCommands = 0
        work.found.sort()
        let found = work.found
        guard let returns = work.command.returns else {
            let highest = work.usesModSeq ? found.lazy.map { view.modSeqs[$0] }.max() : nil
            encoder.beginSearch()
            return writeFound(found[...], work.command.numberSpace) { session in
                session.encoder.endSearch(highestModSeq: highest)
                session.concludeSearch(work)
            }
        }
        let result = extendedResult(of: work, returning: returns, in: view)
        encoder.beginExtendedSearch(work.tag, result)
        writeRanges(result.all?.ranges[...] ?? [], isFirst: true) { session in
            session.encoder.endExtendedSearch(result)
            session.concludeSearch(work)
        }
    }

    private mutating func concludeSearch(_ work: SearchWork) {
        conclude(work.command.numberSpace == .uid ? .all : .withoutExpunge) { session in
            session.encoder.tagged(work.tag, .ok, code: nil, text: "Searched")
        }
    }

    /// The numbers of the messages found, in turns.
    private mutating func writeFound(
        _ found: ArraySlice<Int>,
        _ space: NumberSpace,
        _ next: @escaping (inout Session) -> Void
    ) {
        guard let view else { return }
        for index in found.prefix(SessionLimits.foundPerTurn) {
            encoder.foundNumber(space == .uid ? view.uids[index] : UInt32(index + 1))
        }
        let rest = found.dropFirst(SessionLimits.foundPerTurn)
        guard rest.isEmpty else { return giveWay { $0.writeFound(rest, space, next) } }
        next(&self)
    }

    /// The ranges of a result, in turns.
    private mutating func writeRanges(
        _ ranges: ArraySlice<ClosedRange<UInt32>>,
        isFirst: Bool,
        _ next: @escaping (inout Session) -> Void
    ) {
        encoder.foundRanges(ranges.prefix(SessionLimits.foundPerTurn), areFirst: isFirst)
        let rest = ranges.dropFirst(SessionLimits.foundPerTurn)
        guard rest.isEmpty else { return giveWay { $0.writeRanges(rest, isFirst: false, next) } }
        next(&self)
    }

    private func extendedResult(of work: SearchWork, returning returns: SearchReturn, in view: MailboxView)
        -> ExtendedSearchResult
    {
        let space = work.command.numberSpace
        func number(_ index: Int) -> UInt32 { space == .uid ? view.uids[index] : UInt32(index + 1) }
        var result = ExtendedSearchResult(space)
        if returns.options.contains(.min) { result.min = work.found.first.map(number) }
        if returns.options.contains(.max) { result.max = work.found.last.map(number) }
        if returns.options.contains(.count) { result.count = work.found.count }
        if returns.options.contains(.all) { result.all = NumberSet(work.found.lazy.map(number)) }
        if work.usesModSeq {
            // Of what is told, when only the ends are (RFC 7162, section 3.1.5).
            var told = work.found
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
