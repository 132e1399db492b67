internal import MailModel

/// How many messages of a piece have each keyword.
///
/// Counting every keyword of every message by itself takes hundreds of thousands of steps for a piece of STORE whose
/// messages have them all. So 64 counters are kept side by side: the n-th plane holds the n-th binary digit of each,
/// and a word of keywords is added to all of them as a ripple of carries, two steps on average.
struct KeywordTally {
    /// Counters end at 65,535, far above what a command may name.
    private static let digits = 16
    private static let words = 1 + KeywordSet.maximumHighWords
    /// The planes of the first word, then those of the next.
    private var planes = [UInt64](repeating: 0, count: words * digits)
    private(set) var isEmpty = true

    mutating func add(_ keywords: KeywordSet) {
        guard !keywords.isEmpty else { return }
        isEmpty = false
        addBits(keywords.low, word: 0)
        for (index, word) in keywords.high.enumerated() { addBits(word, word: index + 1) }
    }

    private mutating func addBits(_ bits: UInt64, word: Int) {
        var carry = bits
        var plane = word * Self.digits
        let end = plane + Self.digits
        while carry != 0 {
            precondition(plane < end, "a command names fewer messages")
            let both = planes[plane] & carry
            planes[plane] ^= carry
            carry = both
            plane += 1
        }
    }

    /// How many of the sets had this number.
    subscript(number: Int) -> UInt32 {
        let (word, bit) = number.quotientAndRemainder(dividingBy: 64)
        var count: UInt32 = 0
        for digit in 0..<Self.digits {
            count |= UInt32(planes[word * Self.digits + digit] >> UInt64(bit) & 1) << UInt32(digit)
        }
        return count
    }
}

/// Which number the keywords of one mailbox have in another.
struct KeywordMapping {
    /// New numbers by the old ones; nil where there is no new number.
    private var numbers = [Int?](repeating: nil, count: MailLimits.keywordsPerMailbox)
    private var changesAny = false

    init() {}

    init(_ old: [Int], _ new: [Int?]) {
        for (old, new) in zip(old, new) {
            numbers[old] = new
            if new != old { changesAny = true }
        }
    }

    /// The keywords by their new numbers. A keyword without a new number is left out.
    func map(_ keywords: KeywordSet) -> KeywordSet {
        guard changesAny, !keywords.isEmpty else { return keywords }
        var low: UInt64 = 0
        var high = [UInt64](repeating: 0, count: KeywordSet.maximumHighWords)
        for word in 0...keywords.high.count {
            var bits = word == 0 ? keywords.low : keywords.high[word - 1]
            while bits != 0 {
                let number = numbers[64 * word + bits.trailingZeroBitCount]
                bits &= bits - 1
                guard let number else { continue }
                if number < 64 {
                    low |= 1 << UInt64(number)
                } else {
                    high[number / 64 - 1] |= 1 << UInt64(number % 64)
                }
            }
        }
        return KeywordSet(low: low, high: high)
    }
}
