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

extension Cursor {
    mutating func sequenceSet(_ what: String = "a message set") throws(SyntaxError) -> SequenceSet {
        var elements: [SequenceSet.Element] = []
        repeat {
            guard elements.count < limits.sequenceSetRanges else { throw tooMany("ranges", limits.sequenceSetRanges) }
            let first = try sequenceBound(what)
            elements.append(.init(first, take(":") ? try sequenceBound("the end of a range") : first))
        } while take(",")
        return SequenceSet(elements)
    }

    mutating func messageSet() throws(SyntaxError) -> MessageSet {
        if take("$") { return .savedResult }
        return .numbers(try sequenceSet())
    }

    private mutating func sequenceBound(_ what: String) throws(SyntaxError) -> SequenceSet.Bound {
        if take("*") { return .last }
        return .number(try nonZeroNumber(what))
    }
}
