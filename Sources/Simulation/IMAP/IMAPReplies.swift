internal import NIOCore

/// A word of a server's response (RFC 3501, section 9), as far as a simulated client cares.
enum IMAPWord: Equatable {
    case atom(String)
    /// Quoted, or a literal.
    case string([UInt8])
    case list([IMAPWord])

    var atom: String? {
        if case .atom(let text) = self { text } else { nil }
    }

    var number: UInt64? { atom.flatMap { UInt64($0) } }

    var list: [IMAPWord]? {
        if case .list(let words) = self { words } else { nil }
    }

    /// The text of an atom or a string.
    var text: String {
        switch self {
        case .atom(let text): text
        case .string(let bytes): String(decoding: bytes, as: UTF8.self)
        case .list: ""
        }
    }
}

/// The responses in what a server has sent.
struct IMAPReplies {
    private var bytes: [UInt8] = []
    private var start = 0

    mutating func append(_ buffer: ByteBuffer) {
        bytes.removeFirst(start)
        start = 0
        bytes += buffer.readableBytesView
    }

    /// The words of the next whole response; nil while there is none. What stands in brackets is a list as well: to the
    /// client that reads this, both are lists of words.
    mutating func next() -> [IMAPWord]? {
        var reader = Reader(bytes: bytes, position: start)
        guard let words = reader.response() else { return nil }
        start = reader.position
        return words
    }

    private struct Reader {
        let bytes: [UInt8]
        var position: Int

        /// Nil when the bytes end before the response does.
        mutating func response() -> [IMAPWord]? {
            var words: [IMAPWord] = []
            while position < bytes.count {
                if isText(behind: words), bytes[position] != 10, bytes[position] != 13 {
                    guard skipText() else { return nil }
                    continue
                }
                switch bytes[position] {
                case 10:
                    position += 1
                    return words
                case 13, 32: position += 1
                default:
                    guard let word = word() else { return nil }
                    words.append(word)
                }
            }
            return nil
        }

        /// Whether what comes now is for people: nothing in it has to be balanced.
        private func isText(behind words: [IMAPWord]) -> Bool {
            guard words.first != .atom("+") else { return true }
            guard words.count >= 2, let condition = words[1].atom else { return false }
            guard ["OK", "NO", "BAD", "BYE"].contains(condition) else { return false }
            return words.count > 2 || (bytes[position] != 32 && bytes[position] != UInt8(ascii: "["))
        }

        private mutating func skipText() -> Bool {
            guard let end = bytes[position...].firstIndex(of: 10) else { return false }
            position = end
            return true
        }

        private mutating func word() -> IMAPWord? {
            guard position < bytes.count else { return nil }
            switch bytes[position] {
            case UInt8(ascii: "("): return list(to: UInt8(ascii: ")"))
            case UInt8(ascii: "["): return list(to: UInt8(ascii: "]"))
            case UInt8(ascii: "\""): return quoted()
            case UInt8(ascii: "{"): return literal()
            default: return atom()
            }
        }

        private mutating func list(to end: UInt8) -> IMAPWord? {
            position += 1
            var words: [IMAPWord] = []
            while position < bytes.count {
                if bytes[position] == end {
                    position += 1
                    return .list(words)
                }
                // A text may hold what looks like the beginning of a list.
                if bytes[position] == 13 { return .list(words) }
                if bytes[position] == 32 {
                    position += 1
                    continue
                }
                guard let word = word() else { return nil }
                words.append(word)
            }
            return nil
        }

        private mutating func quoted() -> IMAPWord? {
            position += 1
            var text: [UInt8] = []
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: "\"") { return .string(text) }
                if byte == UInt8(ascii: "\\"), position < bytes.count {
                    text.append(bytes[position])
                    position += 1
                } else {
                    text.append(byte)
                }
            }
            return nil
        }

        private mutating func literal() -> IMAPWord? {
            guard let close = bytes[position...].firstIndex(of: UInt8(ascii: "}")),
                let count = Int(String(decoding: bytes[position + 1..<close], as: UTF8.self))
            else { return nil }
            let first = close + 3
            guard bytes.count >= first + count else { return nil }
            position = first + count
            return .string(Array(bytes[first..<first + count]))
        }

        /// `BODY[]` is one atom; a bracket ends only what began with one.
        private mutating func atom() -> IMAPWord? {
            let first = position
            var depth = 0
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "]"):
                    if depth == 0, position > first { return atom(from: first) }
                    depth -= 1
                case 13, 32, UInt8(ascii: "("), UInt8(ascii: ")"), 10:
                    // A single character that begins nothing is a word by itself.
                    if position == first { position += 1 }
                    return atom(from: first)
                default: break
                }
                position += 1
            }
            return nil
        }

        private func atom(from first: Int) -> IMAPWord {
            .atom(String(decoding: bytes[first..<position], as: UTF8.self))
        }
    }
}
