internal import IMAPSyntax
internal import MailModel

/// Why a set of messages cannot be worked on.
enum MessageSetProblem: Error {
    /// A sequence number that no message has.
    case beyondLastMessage
    /// `$` without a saved search.
    case nothingSaved

    var sentence: String {
        switch self {
        case .beyondLastMessage: "There is no message with a sequence number this high"
        case .nothingSaved: "Search results are not saved here"
        }
    }
}

extension MailboxView {
    /// The indexes of the messages that a set names, as rising ranges; UIDs that do not exist are left out.
    ///
    /// - Parameter isCondition: whether the set is a key of SEARCH. There a number that no message has is a condition
    ///   that no message meets, as is `*` in an empty mailbox: it names nothing to work on. RFC 9051, section 9, would
    ///   allow BAD as well, but clients search by numbers that an EXPUNGE has just taken away, and test suites expect
    ///   what Dovecot does: it checks the numbers of FETCH, STORE and COPY, and not those of SEARCH.
    func indexes(
        _ set: MessageSet,
        _ space: NumberSpace,
        isCondition: Bool = false
    ) throws(MessageSetProblem) -> [Range<Int>] {
        guard case .numbers(let numbers) = set else { throw .nothingSaved }
        var ranges: [Range<Int>] = []
        switch space {
        case .sequenceNumber:
            for element in numbers.elements where !isCondition {
                // `1:*` of an empty mailbox is nothing, not an error.
                guard element.first != .last, element.second != .last else { continue }
                for case .number(let number) in [element.first, element.second] where number > UInt32(uids.count) {
                    throw .beyondLastMessage
                }
            }
            for range in numbers.resolved(last: uids.isEmpty ? nil : UInt32(uids.count)) {
                let first = Int(range.lowerBound) - 1
                let end = min(Int(range.upperBound), uids.count)
                if first < end { ranges.append(first..<end) }
            }
        case .uid:
            for range in numbers.resolved(last: lastUID) {
                let first = lowerBound(of: range.lowerBound)
                let end = range.upperBound == .max ? uids.count : lowerBound(of: range.upperBound + 1)
                if first < end { ranges.append(first..<end) }
            }
        }
        return ranges
    }

    /// The UIDs at these indexes in sets that one command takes, without what is gone.
    func uidSets(_ indexes: [Range<Int>], limit: Int) -> [UIDSet] {
        var sets: [UIDSet] = []
        var set = UIDSet()
        var count = 0
        for range in indexes {
            for index in range where !isGone(uids[index]) {
                set.append(UID(uids[index]))
                count += 1
                guard count == limit else { continue }
                sets.append(set)
                set = UIDSet()
                count = 0
            }
        }
        if count > 0 { sets.append(set) }
        return sets
    }

    /// UIDs of the store as the client's numbers.
    func numbers(_ uids: UIDSet, _ space: NumberSpace) -> NumberSet {
        switch space {
        case .uid: return NumberSet(uids)
        case .sequenceNumber:
            var numbers = NumberSet()
            for uid in uids.uids {
                if let index = index(of: uid.rawValue) { numbers.append(UInt32(index + 1)) }
            }
            return numbers
        }
    }
}

extension NumberSet {
    init(_ uids: UIDSet) {
        self.init()
        for range in uids.ranges { append(range) }
    }

    mutating func append(_ uids: UIDSet) {
        for range in uids.ranges { append(range) }
    }
}
