/// A position in the bytes of one command, literals inline, with the primitives of the grammar.
struct Cursor {
    let bytes: [UInt8]
    private(set) var index: Int
    let limits: IMAPLimits
    /// Whether quoted strings and mailbox names are UTF-8 (RFC 6855, or IMAP4rev2 enabled).
    let acceptsUTF8: Bool
    /// What error messages call the command; set as soon as its name was read.
    var commandName = "The command"
    /// Names of header fields that the command has so far, in all its sections.
    var namedFields = 0

    init(_ bytes: [UInt8], limits: IMAPLimits, acceptsUTF8: Bool = false, from index: Int = 0) {
        self.bytes = bytes
        self.index = index
        self.limits = limits
        self.acceptsUTF8 = acceptsUTF8
    }

    var isAtEnd: Bool { index >= bytes.count }

    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    func isNext(_ scalar: Unicode.Scalar) -> Bool { next == UInt8(ascii: scalar) }

    func byte(ahead distance: Int) -> UInt8? {
        index + distance < bytes.count ? bytes[index + distance] : nil
    }

    mutating func advance(by count: Int = 1) {
        precondition(index + count <= bytes.count, "advanced past the command")
        index += count
    }

    /// Takes one byte when it is the one asked for.
    mutating func takeIfNext(_ scalar: Unicode.Scalar) -> Bool {
        guard isNext(scalar) else { return false }
        index += 1
        return true
    }

    mutating func require(_ scalar: Unicode.Scalar, _ what: String) throws(SyntaxError) {
        guard takeIfNext(scalar) else { throw expected(what) }
    }

    /// `SP`. The grammar has exactly one; clients also send several, and servers in use accept that.
    mutating func space(before what: String) throws(SyntaxError) {
        guard takeSpaces() else { throw isAtEnd ? expected(what) : expected("a space before \(what)") }
        guard !isAtEnd else { throw expected(what) }
    }

    /// Takes all spaces that stand here.
    ///
    /// - Returns: whether there was any.
    @discardableResult
    mutating func takeSpaces() -> Bool {
        let start = index
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") { index += 1 }
        return index > start
    }

    /// The byte behind the spaces that stand here; nil without a space, or when the command ends behind them.
    var nextBehindSpaces: UInt8? {
        var ahead = self
        return ahead.takeSpaces() ? ahead.next : nil
    }

    /// Takes the spaces behind an element of a list.
    ///
    /// - Returns: whether another element follows; otherwise the list or the command ends here.
    mutating func takeSpacesBeforeElement() -> Bool {
        takeSpaces() && !isAtEnd && !isNext(")")
    }

    /// The end of the command; blanks in front of it are tolerated.
    mutating func end() throws(SyntaxError) {
        takeSpaces()
        guard isAtEnd else { throw expected("nothing more") }
    }

    /// The bytes from here on that satisfy a class, consumed.
    mutating func takeBytes(while isIncluded: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count, isIncluded(bytes[index]) { index += 1 }
        return bytes[start..<index]
    }

    /// A word of the grammar in upper case; empty when none stands here.
    mutating func word() -> String {
        let start = index
        while index < bytes.count, bytes[index].isWordCharacter { index += 1 }
        return uppercased(start..<index)
    }

    /// The word that stands here, not consumed.
    func peekWord() -> String {
        var copy = self
        return copy.word()
    }

    private func uppercased(_ range: Range<Int>) -> String {
        // Words of the grammar are short; anything longer is none of them.
        guard range.count <= 64 else { return "?" }
        return String(unsafeUninitializedCapacity: range.count) { target in
            for (offset, position) in range.enumerated() { target[offset] = bytes[position].uppercased }
            return range.count
        }
    }
}

extension Cursor {
    func failure(_ kind: SyntaxError.Kind, _ message: String) -> SyntaxError {
        SyntaxError(kind, offset: index, message: message)
    }

    /// "FETCH needs a message set, found ...".
    func expected(_ what: String) -> SyntaxError {
        failure(.malformed, "\(commandName) needs \(what), found \(found)")
    }

    func tooMany(_ what: String, _ limit: Int) -> SyntaxError {
        failure(.limitExceeded, "\(commandName) has too many \(what), the limit is \(limit)")
    }

    private var found: String {
        guard let next else { return "the end of the command" }
        switch next {
        case UInt8(ascii: "\""): return "a quoted string"
        case UInt8(ascii: "{"): return "a literal"
        case UInt8(ascii: " "): return "a space"
        case 0x21...0x7E: return "'\(Unicode.Scalar(next))'"
        case 0x80...: return "an 8-bit byte"
        default: return "a control character"
        }
    }
}
