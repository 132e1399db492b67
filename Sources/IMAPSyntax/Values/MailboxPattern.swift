/// A pattern of LIST: `*` stands for anything, `%` for anything within a level (RFC 9051 section 6.3.9).
public struct MailboxPattern: Hashable, Sendable {
    /// Decoded to UTF-8; empty for ``nothing``.
    public let text: String
    /// Whether a mailbox could have a name that the pattern asks for.
    public let isPossible: Bool

    public init(_ text: String) {
        self.text = text
        isPossible = true
    }

    private init() {
        text = ""
        isPossible = false
    }

    /// What was no modified UTF-7: no mailbox has such a name, so the pattern matches none.
    public static let nothing = MailboxPattern()

    /// The pattern behind a reference: a plain concatenation, as there is no other notion of a root.
    public func relative(to reference: String) -> MailboxPattern {
        isPossible ? MailboxPattern(reference + text) : self
    }

    /// Whether the name is one that the pattern asks for. INBOX as the first level is compared in any case.
    public func matches(_ name: MailboxName) -> Bool {
        let matcher = MailboxMatcher([self], maximumNameBytes: .max)
        var position = matcher.start
        matcher.advance(
            &position,
            over: Array(name.text.utf8)[...],
            isInInbox: name.isInbox || name.text.hasPrefix("INBOX/")
        )
        return matcher.isMatch(position)
    }
}

/// The patterns of one LIST, made ready for many names.
///
/// All patterns are one automaton whose states are the bits of a vector: bit `i` of a pattern is set when its first `i`
/// parts match what was looked at. A byte of a name costs one pass over the vector, whatever the wildcards, and the
/// position behind a level serves for all names below it.
public struct MailboxMatcher: Sendable {
    /// How far each pattern has come in a name.
    public struct Position: Sendable {
        fileprivate var bits: [UInt64]
        fileprivate var bytes = 0
        /// Whether a longer name could still match.
        public fileprivate(set) var isAlive: Bool
    }

    /// Before the first byte of a name.
    public let start: Position
    /// Letters of all patterns and their wildcards, runs of wildcards counted once.
    public let parts: Int
    /// Per byte: the states from which it leads to the next one. Bytes of no pattern share the empty row at the end.
    private let rowOfByte: [UInt8]
    private let rows: [[UInt64]]
    private let stars: [UInt64]
    private let percents: [UInt64]
    private let accepting: [UInt64]

    /// Makes the patterns of one LIST ready, to be matched together.
    ///
    /// - Parameter maximumNameBytes: a pattern with more letters than a name can have matches nothing, at no cost.
    public init(_ patterns: [MailboxPattern], maximumNameBytes: Int) {
        let compiled = patterns.lazy.filter(\.isPossible).map { Self.parts(of: $0.text) }
            .filter { $0.count { !$0.isWildcard } <= maximumNameBytes }
        var states: [Part?] = []
        var starts: [Int] = []
        for parts in Set(compiled) {
            starts.append(states.count)
            states += parts.map(Optional.some)
            states.append(nil)
        }
        let words = (states.count + 63) / 64
        let empty = [UInt64](repeating: 0, count: words)
        var (rows, stars, percents, accepting) = ([[UInt64]](), empty, empty, empty)
        var rowOfByte = [UInt8?](repeating: nil, count: 256)
        for (state, part) in states.enumerated() {
            let (word, bit) = (state / 64, UInt64(1) << UInt64(state % 64))
            switch part {
            case .letter(let byte):
                let row = rowOfByte[Int(byte)] ?? UInt8(rows.count)
                if rowOfByte[Int(byte)] == nil { rows.append(empty) }
                rowOfByte[Int(byte)] = row
                rows[Int(row)][word] |= bit
            case .star: stars[word] |= bit
            case .percent: percents[word] |= bit
            case nil: accepting[word] |= bit
            }
        }
        // Patterns are UTF-8, which has no byte 0xFF: there are at most 255 rows, and the empty one.
        let emptyRow = UInt8(rows.count)
        rows.append(empty)
        self.rows = rows
        self.rowOfByte = rowOfByte.map { $0 ?? emptyRow }
        (self.stars, self.percents, self.accepting) = (stars, percents, accepting)
        parts = states.count - starts.count
        var bits = empty
        for start in starts { bits[start / 64] |= UInt64(1) << UInt64(start % 64) }
        Self.passWildcards(&bits, stars: stars, percents: percents)
        start = Position(bits: bits, isAlive: !starts.isEmpty)
    }

    /// What looking at one byte of a name costs, in words.
    public var costPerByte: Int { max(1, stars.count) }

    /// Goes on over the next bytes of a name.
    ///
    /// - Parameter isInInbox: whether the name's first level is INBOX, which patterns may write in any case.
    public func advance(_ position: inout Position, over bytes: ArraySlice<UInt8>, isInInbox: Bool) {
        for byte in bytes {
            guard position.isAlive else { return }
            let isInAnyCase = isInInbox && position.bytes < 5
            position.bytes += 1
            let row = rows[Int(rowOfByte[Int(byte)])]
            let other = isInAnyCase ? rows[Int(rowOfByte[Int(byte.lowercased)])] : row
            let isDelimiter = byte == UInt8(ascii: "/")
            var carried: UInt64 = 0
            var any: UInt64 = 0
            for word in position.bits.indices {
                let bits = position.bits[word]
                let taken = bits & (row[word] | other[word])
                var next = taken << 1 | carried
                carried = taken >> 63
                next |= bits & stars[word]
                if !isDelimiter { next |= bits & percents[word] }
                position.bits[word] = next
                any |= next
            }
            position.isAlive = any != 0
            if position.isAlive { Self.passWildcards(&position.bits, stars: stars, percents: percents) }
        }
    }

    /// Whether a name that ends here is one that a pattern asks for.
    public func isMatch(_ position: Position) -> Bool {
        position.isAlive && position.bits.indices.contains { position.bits[$0] & accepting[$0] != 0 }
    }

    /// A wildcard may stand for nothing. No two of them are neighbours, so one step is enough.
    private static func passWildcards(_ bits: inout [UInt64], stars: [UInt64], percents: [UInt64]) {
        var carried: UInt64 = 0
        for word in bits.indices {
            let passed = bits[word] & (stars[word] | percents[word])
            bits[word] |= passed << 1 | carried
            carried = passed >> 63
        }
    }

    private enum Part: Hashable {
        case letter(UInt8)
        case star
        case percent

        var isWildcard: Bool { self == .star || self == .percent }
    }

    /// A run of wildcards is one: `*` where it has one, as `*` stands for whatever `%` does.
    private static func parts(of text: String) -> [Part] {
        var parts: [Part] = []
        for byte in text.utf8 {
            switch (byte, parts.last) {
            case (UInt8(ascii: "*"), .percent): parts[parts.count - 1] = .star
            case (UInt8(ascii: "*"), .star), (UInt8(ascii: "%"), .star), (UInt8(ascii: "%"), .percent): continue
            case (UInt8(ascii: "*"), _): parts.append(.star)
            case (UInt8(ascii: "%"), _): parts.append(.percent)
            default: parts.append(.letter(byte))
            }
        }
        return parts
    }
}

extension MailboxPattern {
    /// `list-mailbox`.
    ///
    /// A pattern that is not in the encoding of names matches none of them. To clients that try such patterns, the
    /// empty answer is right and an error is not.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> MailboxPattern {
        let start = cursor.index
        let raw = try cursor.listMailbox("a mailbox pattern")
        return (try? cursor.mailboxText(raw, from: start)).map { MailboxPattern($0) } ?? .nothing
    }
}
