/// Converts text of one charset to UTF-8, piece by piece, in bounded memory.
public protocol TextConverter: AnyObject {
    /// Appends what the bytes stand for; a character may be split between calls.
    func convert(_ bytes: ArraySlice<UInt8>, into text: inout [UInt8])
    /// Ends the text; another one may begin.
    func finish(into text: inout [UInt8])
}

/// Knows charsets beyond those with a table in this module. A conversion that is not pure is handed in behind it.
public protocol CharsetSource: Sendable {
    /// Nil for a charset that is not known.
    /// - Parameter label: The name in mail, in any case.
    func makeConverter(_ label: [UInt8]) -> (any TextConverter)?
}

/// The converters of one search, which the texts of its messages use one after the other.
struct Converters {
    /// Opening one costs far more than decoding a word, and a header can name a charset in every ten bytes.
    private static let maximumCount = 16

    private let source: (any CharsetSource)?
    private var opened: [[UInt8]: (any TextConverter)?] = [:]
    /// How many the message that is searched has opened.
    private var openedCount = 0

    init(_ source: (any CharsetSource)?) { self.source = source }

    /// Begins with another message: each may name as many charsets, whatever those before it named.
    mutating func startMessage() {
        openedCount = 0
        if opened.count >= Self.maximumCount { opened.removeAll() }
    }

    /// Appends text as UTF-8. Bytes of a charset that is not known pass as they are: what is looked for may be found in
    /// them all the same.
    mutating func decode(_ bytes: ArraySlice<UInt8>, of charset: Charset, into text: inout [UInt8]) {
        switch charset {
        case .utf8: text.append(contentsOf: bytes)
        case .table(let table):
            for byte in bytes {
                if byte < 0x80 { text.append(byte) } else { Charset.append(table.scalar(byte), to: &text) }
            }
        case .named(let label):
            if let converter = converter(label) {
                converter.convert(bytes, into: &text)
            } else {
                text.append(contentsOf: bytes)
            }
        }
    }

    /// Ends a text.
    mutating func finish(_ charset: Charset, into text: inout [UInt8]) {
        switch charset {
        case .utf8, .table: break
        case .named(let label): converter(label)?.finish(into: &text)
        }
    }

    private mutating func converter(_ label: [UInt8]) -> (any TextConverter)? {
        if let known = opened[label] { return known }
        guard openedCount < Self.maximumCount else { return nil }
        openedCount += 1
        let made = source?.makeConverter(label)
        opened[label] = .some(made)
        return made
    }
}

/// A text of a charset that is named.
public enum CharsetText {
    /// Decodes a whole text.
    ///
    /// - Returns: the text as UTF-8; nil when the charset is not known.
    public static func decode(_ bytes: [UInt8], label: [UInt8], charsets: (any CharsetSource)?) -> [UInt8]? {
        let charset = Charset(name: label)
        if case .named = charset, charsets?.makeConverter(label) == nil { return nil }
        var converters = Converters(charsets)
        var text: [UInt8] = []
        converters.decode(bytes[...], of: charset, into: &text)
        converters.finish(charset, into: &text)
        return text
    }
}
