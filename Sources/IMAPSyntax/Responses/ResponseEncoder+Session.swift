/// Responses about the session, and results of searches.
extension ResponseEncoder {
    /// `* CAPABILITY names`
    public mutating func capability(_ names: [String]) {
        line("* CAPABILITY \(names.joined(separator: " "))")
    }

    /// `* ENABLED names`, also for none (RFC 5161 section 3.2).
    public mutating func enabled(_ names: [String]) {
        line((["* ENABLED"] + names).joined(separator: " "))
    }

    /// `* ID (fields)`, or `* ID NIL` for none.
    public mutating func id(_ fields: [IDField]) {
        guard !fields.isEmpty else { return line("* ID NIL") }
        raw("* ID (")
        for (index, field) in fields.enumerated() {
            if index > 0 { raw(" ") }
            string(field.name)
            raw(" ")
            textOrNIL(field.value)
        }
        line(")")
    }

    /// `* SEARCH numbers` (RFC 3501), with the highest mod-sequence of a search by it (RFC 7162 section 3.1.5).
    public mutating func search(_ numbers: some Sequence<UInt32>, highestModSeq: UInt64? = nil) {
        beginSearch()
        for number in numbers { foundNumber(number) }
        endSearch(highestModSeq: highestModSeq)
    }

    /// `* SEARCH`, to be followed by numbers and ``endSearch(highestModSeq:)``, with nothing between.
    public mutating func beginSearch() { raw("* SEARCH") }

    /// One number of `* SEARCH`.
    public mutating func foundNumber(_ number: UInt32) { raw(" \(number)") }

    /// The end of `* SEARCH`, with the highest mod-sequence of a search by it.
    public mutating func endSearch(highestModSeq: UInt64?) {
        if let highestModSeq { raw(" (MODSEQ \(highestModSeq))") }
        line("")
    }

    /// `* ESEARCH (TAG "tag")` and the result.
    public mutating func extendedSearch(_ tag: String, _ result: ExtendedSearchResult) {
        beginExtendedSearch(tag, result)
        foundRanges(result.all?.ranges[...] ?? [], areFirst: true)
        endExtendedSearch(result)
    }

    /// What stands in front of the ranges of ALL, to be followed by them and ``endExtendedSearch(_:)``, with nothing
    /// between.
    public mutating func beginExtendedSearch(_ tag: String, _ result: ExtendedSearchResult) {
        raw("* ESEARCH (TAG ")
        string(tag)
        raw(")")
        if result.numberSpace == .uid { raw(" UID") }
        if let min = result.min { raw(" MIN \(min)") }
        if let max = result.max { raw(" MAX \(max)") }
        if let count = result.count { raw(" COUNT \(count)") }
    }

    /// Ranges of ALL; none at all write nothing (RFC 4731 section 3.1).
    public mutating func foundRanges(_ ranges: ArraySlice<ClosedRange<UInt32>>, areFirst: Bool) {
        var isFirst = areFirst
        for range in ranges {
            raw(isFirst ? " ALL " : ",")
            isFirst = false
            raw(range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound):\(range.upperBound)")
        }
    }

    /// What stands behind the ranges of ALL: PARTIAL, MODSEQ, and the end of the line.
    public mutating func endExtendedSearch(_ result: ExtendedSearchResult) {
        if let partial = result.partial {
            let numbers = partial.numbers.isEmpty ? "NIL" : partial.numbers.description
            raw(" PARTIAL (\(partial.range.first):\(partial.range.last) \(numbers))")
        }
        if let modSeq = result.highestModSeq { raw(" MODSEQ \(modSeq)") }
        line("")
    }
}

/// What ESEARCH tells (RFC 4731); what is nil is not mentioned.
public struct ExtendedSearchResult: Hashable, Sendable {
    /// What PARTIAL tells (RFC 9394).
    public struct Partial: Hashable, Sendable {
        /// The positions that the client asked for.
        public var range: SearchReturn.Partial
        /// The numbers at these positions; none is told as NIL.
        public var numbers: NumberSet

        public init(range: SearchReturn.Partial, numbers: NumberSet) {
            self.range = range
            self.numbers = numbers
        }
    }

    /// What the numbers are.
    public var numberSpace: NumberSpace
    /// The lowest number.
    public var min: UInt32?
    /// The highest number.
    public var max: UInt32?
    /// How many numbers there are.
    public var count: Int?
    /// Not mentioned when empty (RFC 4731 section 3.1).
    public var all: NumberSet?
    /// The part of the result that was asked for.
    public var partial: Partial?
    /// The highest mod-sequence of the messages told (RFC 7162 section 3.1.5).
    public var highestModSeq: UInt64?

    public init(_ numberSpace: NumberSpace) {
        self.numberSpace = numberSpace
    }
}
