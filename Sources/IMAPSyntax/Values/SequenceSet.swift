/// `sequence-set` (RFC 9051 section 9): message sequence numbers or UIDs as the client wrote them.
public struct SequenceSet: Hashable, Sendable {
    /// One end of a range.
    public enum Bound: Hashable, Sendable {
        case number(UInt32)
        /// `*`: the highest number in use.
        case last
    }

    /// A range; its ends may be in any order, a single number has two equal ends.
    public struct Element: Hashable, Sendable {
        /// The end that was written first.
        public var first: Bound
        /// The end that was written second.
        public var second: Bound

        public init(_ first: Bound, _ second: Bound) {
            self.first = first
            self.second = second
        }

        /// A single number.
        public init(_ single: Bound) {
            self.init(single, single)
        }
    }

    /// The ranges in the order in which they were written.
    public var elements: [Element]

    public init(_ elements: [Element]) {
        self.elements = elements
    }

    /// The numbers meant, as ascending ranges that neither overlap nor touch.
    ///
    /// - Parameter last: what `*` stands for: the number of messages, or the highest UID; `nil` in an empty mailbox,
    ///   where `*` stands for nothing and a range with it is left out.
    public func resolved(last: UInt32?) -> [ClosedRange<UInt32>] {
        var ranges: [ClosedRange<UInt32>] = []
        ranges.reserveCapacity(elements.count)
        for element in elements {
            guard let first = element.first.resolved(last), let second = element.second.resolved(last) else { continue }
            ranges.append(min(first, second)...max(first, second))
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges {
            if let previous = merged.last,
                range.lowerBound <= previous.upperBound || previous.upperBound &+ 1 == range.lowerBound
            {
                merged[merged.count - 1] = previous.lowerBound...max(previous.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }
}

extension SequenceSet.Bound {
    fileprivate func resolved(_ last: UInt32?) -> UInt32? {
        switch self {
        case .number(let number): number
        case .last: last
        }
    }
}

extension SequenceSet: CustomStringConvertible {
    public var description: String {
        elements.map { $0.first == $0.second ? "\($0.first)" : "\($0.first):\($0.second)" }.joined(separator: ",")
    }
}

extension SequenceSet.Bound: CustomStringConvertible {
    public var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .last: "*"
        }
    }
}

/// What a command works on: a set, or the result of the last search.
public enum MessageSet: Hashable, Sendable {
    case numbers(SequenceSet)
    /// `$` (RFC 5182).
    case savedResult
}

extension SequenceSet {
    /// `sequence-set`, but for `$`.
    ///
    /// - Parameter what: what an error says is needed here.
    static func parse(
        _ cursor: inout Cursor,
        expecting what: String = "a message set"
    ) throws(SyntaxError) -> SequenceSet {
        let limit = cursor.limits.sequenceSetRanges
        var elements: [Element] = []
        repeat {
            guard elements.count < limit else { throw cursor.tooMany("ranges", limit) }
            let first = try Bound.parse(&cursor, expecting: what)
            let hasSecond = cursor.takeIfNext(":")
            elements.append(Element(first, hasSecond ? try .parse(&cursor, expecting: "the end of a range") : first))
        } while cursor.takeIfNext(",")
        return SequenceSet(elements)
    }
}

extension SequenceSet.Bound {
    /// `seq-number`.
    fileprivate static func parse(_ cursor: inout Cursor, expecting what: String) throws(SyntaxError) -> Self {
        if cursor.takeIfNext("*") { return .last }
        return .number(try cursor.nonZeroNumber(what))
    }
}

extension MessageSet {
    /// `sequence-set`.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> MessageSet {
        if cursor.takeIfNext("$") { return .savedResult }
        return .numbers(try SequenceSet.parse(&cursor))
    }
}
