internal import IMAPSyntax
internal import MailModel

/// A SEARCH key with its sets and keywords looked up once.
indirect enum SearchCondition {
    enum DateField {
        case received, sent, saved
    }

    enum DateRelation {
        case before, on, since
    }

    case constant(Bool)
    case all([SearchCondition])
    case either(SearchCondition, SearchCondition)
    case not(SearchCondition)
    /// Rising ranges of indexes.
    case indexes([Range<Int>])
    case system(SystemFlags)
    case keyword(Int)
    case recent
    case modSeq(UInt64)
    case date(DateField, DateRelation, day: Int)
    case larger(UInt64)
    case smaller(UInt64)
    /// INTERNALDATE compared to a moment, in seconds since 1970 (RFC 5032).
    case olderThan(Int64)
    case youngerThan(Int64)
    case emailID(String)
    /// The n-th term is found in the message's bytes.
    case term(Int)
}

/// Builds the condition, and gathers its terms.
struct SearchCompiler {
    let view: MailboxView
    let nowSeconds: Int64
    /// Makes UTF-8 of a search string.
    private let utf8: ([UInt8]) -> [UInt8]
    private(set) var terms: [SearchTerm] = []
    /// The number of each term.
    private var numbers: [SearchTerm: Int] = [:]
    private(set) var usesModSeq = false
    /// Whether the day of the Date field matters.
    private(set) var usesSentDay = false
    /// How many conditions there are, which is what looking at one message costs.
    private(set) var conditions = 0

    init(view: MailboxView, nowSeconds: Int64, utf8: @escaping ([UInt8]) -> [UInt8]) {
        self.view = view
        self.nowSeconds = nowSeconds
        self.utf8 = utf8
    }

    mutating func compile(_ key: SearchKey) throws(MessageSetProblem) -> SearchCondition {
        conditions += 1
        switch key {
        case .all: return .constant(true)
        case .and(let keys):
            var conditions: [SearchCondition] = []
            for key in keys { conditions.append(try compile(key)) }
            return .all(conditions)
        case .or(let one, let other): return .either(try compile(one), try compile(other))
        case .not(let key): return .not(try compile(key))
        case .sequenceNumbers(let set): return .indexes(try view.indexes(set, .sequenceNumber, isCondition: true))
        case .uids(let set): return .indexes(try view.indexes(set, .uid, isCondition: true))
        case .flag(let flag): return condition(flag)
        case .new: return .all([.recent, .not(.system(.seen))])
        case .old: return .not(.recent)
        case .from(let value): return term(.envelope(.from, value: utf8(value)))
        case .to(let value): return term(.envelope(.to, value: utf8(value)))
        case .cc(let value): return term(.envelope(.cc, value: utf8(value)))
        case .bcc(let value): return term(.envelope(.bcc, value: utf8(value)))
        case .subject(let value): return term(.envelope(.subject, value: utf8(value)))
        case .header(let name, let value): return term(.header(name: name, value: utf8(value)))
        // An empty string is in every message.
        case .body(let value): return value.isEmpty ? .constant(true) : term(.body(utf8(value)))
        case .text(let value): return value.isEmpty ? .constant(true) : term(.text(utf8(value)))
        case .before(let date): return .date(.received, .before, day: date.daysSinceEpoch)
        case .on(let date): return .date(.received, .on, day: date.daysSinceEpoch)
        case .since(let date): return .date(.received, .since, day: date.daysSinceEpoch)
        case .sentBefore(let date): return sent(.before, date)
        case .sentOn(let date): return sent(.on, date)
        case .sentSince(let date): return sent(.since, date)
        case .savedBefore(let date): return .date(.saved, .before, day: date.daysSinceEpoch)
        case .savedOn(let date): return .date(.saved, .on, day: date.daysSinceEpoch)
        case .savedSince(let date): return .date(.saved, .since, day: date.daysSinceEpoch)
        case .saveDateSupported: return .constant(true)
        case .larger(let size): return .larger(size)
        case .smaller(let size): return .smaller(size)
        case .older(let seconds): return .olderThan(nowSeconds - Int64(seconds))
        case .younger(let seconds): return .youngerThan(nowSeconds - Int64(seconds))
        case .modSeq(let value, _):
            // MODSEQ is one per message here, whatever the entry (RFC 7162, section 3.1.5).
            usesModSeq = true
            return .modSeq(value)
        case .emailID(let id): return .emailID(id)
        // No message has one (RFC 8474, section 5.2).
        case .threadID: return .constant(false)
        }
    }

    private func condition(_ flag: Flag) -> SearchCondition {
        switch flag {
        case .seen: .system(.seen)
        case .answered: .system(.answered)
        case .flagged: .system(.flagged)
        case .deleted: .system(.deleted)
        case .draft: .system(.draft)
        case .recent: .recent
        case .keyword(let keyword): view.number(of: keyword).map { .keyword($0) } ?? .constant(false)
        }
    }

    private mutating func sent(_ relation: SearchCondition.DateRelation, _ date: CalendarDate) -> SearchCondition {
        usesSentDay = true
        return .date(.sent, relation, day: date.daysSinceEpoch)
    }

    private mutating func term(_ term: SearchTerm) -> SearchCondition {
        if let known = numbers[term] { return .term(known) }
        numbers[term] = terms.count
        terms.append(term)
        return .term(terms.count - 1)
    }
}

extension SearchCondition {
    /// What is known of the message that is looked at.
    struct Subject {
        let view: MailboxView
        var index = 0
        var details: MessageDetails?
        /// When the condition is about the day of the Date field.
        var outline: (any MessageOutline)?
        /// Once it was started with this message.
        var searcher: (any MessageSearching)?

        init(view: MailboxView) { self.view = view }
    }

    /// Whether the message meets the condition; nil when more has to be known.
    func isMet(_ subject: borrowing Subject) -> Bool? {
        let index = subject.index
        switch self {
        case .constant(let value): return value
        case .all(let conditions):
            var result: Bool? = true
            for condition in conditions {
                switch condition.isMet(subject) {
                case false: return false
                case nil: result = nil
                case true: continue
                }
            }
            return result
        case .either(let one, let other):
            let first = one.isMet(subject)
            if first == true { return true }
            let second = other.isMet(subject)
            if second == true { return true }
            return first == nil || second == nil ? nil : false
        case .not(let condition): return condition.isMet(subject).map { !$0 }
        case .indexes(let ranges): return ranges.holds(index)
        case .system(let flags): return subject.view.flags(at: index).system.contains(flags)
        case .keyword(let number): return subject.view.flags(at: index).keywords.contains(number)
        case .recent: return subject.view.isRecent(subject.view.uids[index])
        case .modSeq(let value): return subject.view.modSeqs[index] >= value
        case .date(let field, let relation, let day):
            guard let details = subject.details else { return nil }
            return Self.day(field, of: details, outline: subject.outline).map { relation.isMet($0, day) } ?? false
        case .larger(let size): return subject.details.map { $0.sizeBytes > size }
        case .smaller(let size): return subject.details.map { $0.sizeBytes < size }
        case .olderThan(let moment): return subject.details.map { $0.internalDate.seconds <= moment }
        case .youngerThan(let moment): return subject.details.map { $0.internalDate.seconds >= moment }
        case .emailID(let id): return subject.details.map { $0.bodyID.objectID == id }
        case .term(let number): return subject.searcher?.isFound(number)
        }
    }

    private static func day(
        _ field: DateField,
        of details: MessageDetails,
        outline: (any MessageOutline)?
    ) -> Int? {
        switch field {
        case .received: localDay(of: details.internalDate)
        case .saved: dayNumber(ofSeconds: details.saved.rawValue / 1_000)
        // Without a Date field that can be read, the day of receipt stands for it.
        case .sent:
            outline?.sentDay ?? localDay(of: details.internalDate)
        }
    }

    /// The day in the date's own zone. Any number may stand in a stored row, so nothing here may overflow.
    private static func localDay(of date: InternalDate) -> Int {
        let (local, isBeyond) = date.seconds.addingReportingOverflow(Int64(date.zoneMinutes) * 60)
        return dayNumber(ofSeconds: isBeyond ? date.seconds : local)
    }

    private static func dayNumber(ofSeconds seconds: Int64) -> Int {
        Int(seconds / 86_400) - (seconds % 86_400 < 0 ? 1 : 0)
    }
}

extension SearchCondition.DateRelation {
    func isMet(_ day: Int, _ wanted: Int) -> Bool {
        switch self {
        case .before: day < wanted
        case .on: day == wanted
        case .since: day >= wanted
        }
    }
}

extension [Range<Int>] {
    /// Whether one of these rising ranges holds the index.
    fileprivate func holds(_ index: Int) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].upperBound <= index { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low].contains(index)
    }
}
