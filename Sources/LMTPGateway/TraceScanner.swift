internal import NIOCore

/// Tells whether an MTA has left its trace on a message: a `Received` field with an `id` (RFC 5321, section 4.4).
///
/// An MTA gives every message that it takes in another ID, so that equal bytes with an ID are one message, sent again.
/// Only the topmost `Received` fields that follow each other count; what filters have put before them is passed over.
/// The scanner works byte by byte, in constant memory, and stops at the end of the header or after ``limitBytes``.
struct TraceScanner {
    enum Verdict: Hashable {
        case undecided
        case hasID
        case hasNone
    }

    /// A trace that ends later is none.
    static let limitBytes = 64 << 10

    private enum Position {
        case lineStart
        /// CR at the start of a line: the end of the header, if LF comes.
        case emptyLine
        case name
        case body
    }

    private(set) var verdict = Verdict.undecided
    private var position = Position.lineStart
    private var name = ShortWord()
    /// The scanner of the `Received` field that is being read, if one is.
    private var stamp: StampScanner?
    private var isAfterReceived = false
    private var scannedBytes = 0

    /// Takes in the next bytes of the message.
    mutating func append(_ bytes: ByteBuffer) {
        guard verdict == .undecided else { return }
        for byte in bytes.readableBytesView {
            take(byte)
            scannedBytes += 1
            if scannedBytes == Self.limitBytes, verdict == .undecided { verdict = .hasNone }
            guard verdict == .undecided else { return }
        }
    }

    /// The message is complete.
    mutating func finish() {
        if verdict == .undecided { endHeader() }
    }

    private mutating func take(_ byte: UInt8) {
        switch position {
        case .lineStart: startLine(byte)
        case .emptyLine: if byte == .lf { endHeader() } else { verdict = .hasNone }
        case .name: takeName(byte)
        case .body: takeBody(byte)
        }
    }

    private mutating func startLine(_ byte: UInt8) {
        switch byte {
        case .space,
            .tab where scannedBytes > 0:
            // A folded line goes on with the field.
            position = .body
            takeBody(byte)
        case .cr: position = .emptyLine
        case .lf: endHeader()
        default:
            let wasReceived = stamp != nil
            endField()
            guard verdict == .undecided else { return }
            name = ShortWord()
            stamp = nil
            isAfterReceived = wasReceived
            position = .name
            takeName(byte)
        }
    }

    private mutating func takeName(_ byte: UInt8) {
        switch byte {
        case .colon:
            if name == .received {
                stamp = StampScanner()
            } else if isAfterReceived {
                // The topmost block is over.
                verdict = .hasNone
            }
            position = .body
        case .space, .tab, .cr: break
        case .lf: verdict = .hasNone
        default: name.append(byte)
        }
    }

    private mutating func takeBody(_ byte: UInt8) {
        if byte == .lf {
            position = .lineStart
        } else if stamp?.take(byte) == true {
            verdict = .hasID
        }
    }

    private mutating func endField() {
        if stamp?.finish() == true { verdict = .hasID }
    }

    private mutating func endHeader() {
        endField()
        if verdict == .undecided { verdict = .hasNone }
    }
}

/// The clauses of one `Received` field: `from ... by ... via ... with ... id ... for ...; date`.
private struct StampScanner {
    private enum Place {
        case between
        case word
        case quoted
        /// `[192.0.2.1]`: an address literal.
        case literal
        /// `<a@b>`: a path, or a message ID.
        case angle
    }

    private var place = Place.between
    private var commentDepth = 0
    private var isEscaped = false
    private var word = ShortWord()
    private var length = 0
    /// The word before named a clause, so that the next one is its value, whatever it looks like.
    private var wantsValue = false
    /// The word before was `id`.
    private var wantsID = false
    private var isOver = false

    /// - Returns: whether an ID has just ended.
    mutating func take(_ byte: UInt8) -> Bool {
        if isOver { return false }
        if isEscaped {
            isEscaped = false
            return false
        }
        if commentDepth > 0 {
            takeComment(byte)
            return false
        }
        switch place {
        case .between, .word: return takePlain(byte)
        case .quoted: return takeDelimited(byte, end: .quote, isID: false)
        case .literal: return takeDelimited(byte, end: .bracketClose, isID: false)
        case .angle: return takeDelimited(byte, end: .angleClose, isID: length > 0)
        }
    }

    /// The field is complete.
    mutating func finish() -> Bool {
        defer { isOver = true }
        return !isOver && commentDepth == 0 && place == .word && endWord()
    }

    private mutating func takeComment(_ byte: UInt8) {
        switch byte {
        case .backslash: isEscaped = true
        case .parenOpen: commentDepth += 1
        case .parenClose: commentDepth -= 1
        default: break
        }
    }

    private mutating func takePlain(_ byte: UInt8) -> Bool {
        var next = Place.between
        switch byte {
        case .space, .tab, .cr: break
        case .parenOpen: commentDepth = 1
        case .quote: next = .quoted
        case .bracketOpen: next = .literal
        case .angleOpen: next = .angle
        case .semicolon:
            // The date follows.
            isOver = true
        default:
            if place == .between { startWord(.word) }
            word.append(byte)
            return false
        }
        let isID = place == .word && endWord()
        startWord(next)
        return isID
    }

    private mutating func takeDelimited(_ byte: UInt8, end: UInt8, isID: Bool) -> Bool {
        switch byte {
        case .backslash:
            isEscaped = true
            length += 1
        case end:
            defer { forgetClause() }
            place = .between
            return wantsID && isID
        default: length += 1
        }
        return false
    }

    private mutating func startWord(_ next: Place) {
        place = next
        word = ShortWord()
        length = 0
    }

    /// - Returns: whether the word is the value of `id`.
    private mutating func endWord() -> Bool {
        if wantsID, !ShortWord.clauseNames.contains(word) { return true }
        let isName = !wantsValue
        forgetClause()
        guard isName else { return false }
        if word == .id { wantsID = true } else { wantsValue = ShortWord.clauseNames.contains(word) }
        return false
    }

    private mutating func forgetClause() {
        wantsID = false
        wantsValue = false
    }
}

/// Up to eight bytes in lower case; longer ones equal none.
private struct ShortWord: Hashable {
    private var packed: UInt64 = 0
    private var count = 0

    init() {}

    init(_ text: StaticString) {
        text.withUTF8Buffer { for byte in $0 { append(byte) } }
    }

    mutating func append(_ byte: UInt8) {
        guard count <= 8 else { return }
        let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        packed = packed << 8 | UInt64(isUpper ? byte | 0x20 : byte)
        count += 1
    }

    static let received = ShortWord("received")
    static let id = ShortWord("id")
    static let clauseNames = [
        ShortWord("from"), ShortWord("by"), ShortWord("via"), ShortWord("with"), ShortWord("for"),
    ]
}

extension UInt8 {
    fileprivate static let tab = UInt8(ascii: "\t")
    fileprivate static let lf = UInt8(ascii: "\n")
    fileprivate static let cr = UInt8(ascii: "\r")
    fileprivate static let space = UInt8(ascii: " ")
    fileprivate static let quote = UInt8(ascii: "\"")
    fileprivate static let parenOpen = UInt8(ascii: "(")
    fileprivate static let parenClose = UInt8(ascii: ")")
    fileprivate static let colon = UInt8(ascii: ":")
    fileprivate static let semicolon = UInt8(ascii: ";")
    fileprivate static let angleOpen = UInt8(ascii: "<")
    fileprivate static let angleClose = UInt8(ascii: ">")
    fileprivate static let bracketOpen = UInt8(ascii: "[")
    fileprivate static let bracketClose = UInt8(ascii: "]")
    fileprivate static let backslash = UInt8(ascii: "\\")
}
