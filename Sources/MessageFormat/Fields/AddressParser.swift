/// Reads address fields (RFC 5322, section 3.4, and the obsolete forms of section 4.4), making the best of broken ones:
/// an address without a domain has an empty host.
struct AddressParser {
    private var scanner: FieldScanner
    private var found: [Address] = []
    private var isInGroup = false
    /// The words before a special character: with spaces between them, as in a name, and without, as in a local part.
    private var phraseBytes: [UInt8] = []
    private var localBytes: [UInt8] = []
    private var hasWords = false
    /// What old mailers say the name in: `joe@example.org (Joe)`.
    private var comment: [UInt8]?

    static func parse(_ field: [UInt8]) -> [Address] {
        var parser = AddressParser(field)
        return parser.parseNext(bytes: .max).entries
    }

    init(_ field: [UInt8]) { scanner = FieldScanner(field) }

    /// Reads on for about so many bytes.
    mutating func parseNext(bytes: Int) -> (entries: [Address], isAtEnd: Bool) {
        let isAtEnd = run(upTo: bytes < .max - scanner.index ? scanner.index + bytes : .max)
        defer { found.removeAll() }
        return (found, isAtEnd)
    }

    /// - Returns: whether the field has ended.
    private mutating func run(upTo limit: Int) -> Bool {
        while true {
            guard scanner.index < limit else { return false }
            skipSpace()
            switch scanner.next {
            case nil:
                endAddress()
                if isInGroup { found.append(.groupEnd) }
                return true
            case UInt8(ascii: ","):
                scanner.skip()
                endAddress()
            case UInt8(ascii: ";"):
                scanner.skip()
                endAddress()
                if isInGroup { found.append(.groupEnd) }
                isInGroup = false
            case UInt8(ascii: ":"):
                scanner.skip()
                startGroup()
            case UInt8(ascii: "<"):
                scanner.skip()
                angleAddress()
            case UInt8(ascii: "@"):
                scanner.skip()
                plainAddress()
            case ASCII.quote:
                addWord(scanner.quotedString()[...])
            case .some:
                addWord(scanner.tokenSlice(until: Self.isSpecial))
            }
        }
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "<"), UInt8(ascii: "@"),
            ASCII.quote:
            true
        default: false
        }
    }

    private mutating func skipSpace() {
        while true {
            scanner.skipBlanks()
            guard scanner.next == UInt8(ascii: "(") else { return }
            comment = scanner.comment()
        }
    }

    private mutating func addWord(_ word: ArraySlice<UInt8>) {
        if hasWords { phraseBytes.append(ASCII.space) }
        phraseBytes += word
        localBytes += word
        hasWords = true
    }

    private mutating func removeWords() {
        phraseBytes.removeAll(keepingCapacity: true)
        localBytes.removeAll(keepingCapacity: true)
        hasWords = false
    }

    private mutating func phrase() -> [UInt8]? {
        defer { removeWords() }
        return hasWords ? Array(phraseBytes[...]) : nil
    }

    private mutating func add(name: [UInt8]?, route: [UInt8]? = nil, mailbox: [UInt8], host: [UInt8]) {
        let name = name ?? comment.map(ASCII.trimmed)
        found.append(.mailbox(name: name?.isEmpty == true ? nil : name, route: route, mailbox: mailbox, host: host))
        comment = nil
    }

    /// Words that no address followed.
    private mutating func endAddress() {
        if let mailbox = phrase() { add(name: nil, mailbox: mailbox, host: []) }
        comment = nil
    }

    private mutating func startGroup() {
        guard let name = phrase(), !isInGroup else { return }
        found.append(.groupStart(name))
        isInGroup = true
        comment = nil
    }

    /// Atoms with dots, which may have spaces and comments around them (RFC 5322, section 4.4, obs-domain).
    private mutating func domain() -> [UInt8] {
        var domain: [UInt8] = []
        repeat {
            skipSpace()
            domain += scanner.tokenSlice { Self.isSpecial($0) || $0 == UInt8(ascii: ">") }
            skipSpace()
        } while scanner.next == UInt8(ascii: ".") || (domain.last == UInt8(ascii: ".") && mayBeAtom(scanner.next))
        return domain
    }

    private func mayBeAtom(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return !Self.isSpecial(byte) && byte != UInt8(ascii: ">")
    }

    /// Behind the at sign: what was before it is the local part.
    private mutating func plainAddress() {
        let mailbox = Array(localBytes[...])
        removeWords()
        let host = domain()
        skipSpace()
        if scanner.next == UInt8(ascii: "<") {
            // `joe@example.org <joe@example.org>`: a name that should have been quoted.
            addWord((mailbox + [UInt8(ascii: "@")] + host)[...])
            return
        }
        add(name: nil, mailbox: mailbox, host: host)
        // Whatever else stands before the comma is not of an address.
        skipToEnd()
    }

    /// Behind `<`: a route perhaps, a local part, a domain.
    private mutating func angleAddress() {
        let name = phrase()
        skipSpace()
        let route = self.route()
        var mailbox: [UInt8] = []
        var host: [UInt8] = []
        local: while true {
            skipSpace()
            switch scanner.next {
            case nil, UInt8(ascii: ">"), UInt8(ascii: ","), UInt8(ascii: ";"): break local
            case UInt8(ascii: "@"):
                scanner.skip()
                host = domain()
                break local
            case ASCII.quote: mailbox += scanner.quotedString()
            case UInt8(ascii: ":"), UInt8(ascii: "<"): scanner.skip()
            case .some: mailbox += scanner.tokenSlice { Self.isSpecial($0) || $0 == UInt8(ascii: ">") }
            }
        }
        skipSpace()
        while let byte = scanner.next, byte != UInt8(ascii: ">"), byte != UInt8(ascii: ","), byte != UInt8(ascii: ";") {
            scanner.skip()
        }
        _ = scanner.take(UInt8(ascii: ">"))
        skipSpace()
        add(name: name, route: route, mailbox: mailbox, host: host)
        skipToEnd()
    }

    /// A source route, `@a,@b:`; it is shown, and nothing else (RFC 5322, section 4.4).
    private mutating func route() -> [UInt8]? {
        guard scanner.next == UInt8(ascii: "@") else { return nil }
        var rest = scanner
        var route: [UInt8] = []
        while let byte = rest.next, byte != UInt8(ascii: ">"), byte != UInt8(ascii: "<") {
            rest.skip()
            if byte == UInt8(ascii: ":") {
                scanner = rest
                return route
            }
            if !ASCII.isSpace(byte) { route.append(byte) }
        }
        return nil
    }

    /// Leaves out what stands behind an address, up to the next.
    private mutating func skipToEnd() {
        while true {
            skipSpace()
            guard let byte = scanner.next, byte != UInt8(ascii: ","), byte != UInt8(ascii: ";"),
                byte != UInt8(ascii: "<"), byte != UInt8(ascii: "@")
            else { return }
            if byte == ASCII.quote { _ = scanner.quotedString() } else { scanner.skip() }
        }
    }
}
