/// Which of a mailbox's keywords a message has, by their numbers in the mailbox's list. A word where all are below 64,
/// which is the rule.
public struct KeywordSet: Hashable, Sendable {
    /// The numbers below 64, a bit each.
    public private(set) var low: UInt64
    /// The numbers from 64 on, 64 to a word. The last word is not 0, so that equal sets have equal words.
    public private(set) var high: [UInt64]

    /// How many words ``high`` has at most.
    public static let maximumHighWords = (MailLimits.keywordsPerMailbox + 63) / 64 - 1

    /// No keywords.
    public init() {
        low = 0
        high = []
    }

    /// The keywords of these bits.
    ///
    /// - Parameter high: may end with words that are 0.
    public init(low: UInt64, high: [UInt64] = []) {
        self.low = low
        self.high = high
        trim()
    }

    /// The keywords of these numbers, each below ``MailLimits/keywordsPerMailbox``.
    public init(_ numbers: some Sequence<Int>) {
        self.init()
        for number in numbers { insert(number) }
    }

    /// Whether there is no keyword.
    public var isEmpty: Bool { low == 0 && high.isEmpty }

    /// Rising.
    public var numbers: [Int] {
        var numbers: [Int] = []
        for index in 0...high.count {
            var bits = index == 0 ? low : high[index - 1]
            while bits != 0 {
                numbers.append(64 * index + bits.trailingZeroBitCount)
                bits &= bits - 1
            }
        }
        return numbers
    }

    /// Whether the keyword of that number is there.
    public func contains(_ number: Int) -> Bool {
        if number < 64 { return number >= 0 && low & (1 << UInt64(number)) != 0 }
        let word = number / 64 - 1
        return word < high.count && high[word] & (1 << UInt64(number % 64)) != 0
    }

    /// Adds a keyword.
    ///
    /// - Parameter number: below ``MailLimits/keywordsPerMailbox``.
    public mutating func insert(_ number: Int) {
        precondition((0..<MailLimits.keywordsPerMailbox).contains(number), "no mailbox has such a keyword")
        if number < 64 {
            low |= 1 << UInt64(number)
        } else {
            let word = number / 64 - 1
            if word >= high.count { high += [UInt64](repeating: 0, count: word + 1 - high.count) }
            high[word] |= 1 << UInt64(number % 64)
        }
    }

    /// Adds the keywords of `other`.
    public mutating func formUnion(_ other: KeywordSet) {
        low |= other.low
        if other.high.count > high.count {
            high += [UInt64](repeating: 0, count: other.high.count - high.count)
        }
        for (word, bits) in other.high.enumerated() { high[word] |= bits }
    }

    /// Removes the keywords of `other`.
    public mutating func subtract(_ other: KeywordSet) {
        low &= ~other.low
        for word in 0..<min(high.count, other.high.count) { high[word] &= ~other.high[word] }
        trim()
    }

    /// The keywords of both.
    public func union(_ other: KeywordSet) -> KeywordSet {
        var union = self
        union.formUnion(other)
        return union
    }

    /// The keywords that are not in `other`.
    public func subtracting(_ other: KeywordSet) -> KeywordSet {
        var rest = self
        rest.subtract(other)
        return rest
    }

    private mutating func trim() {
        while high.last == 0 { high.removeLast() }
    }
}
