import MessageFormat
import NIOCore

/// The summary of a message given whole.
func summary(_ message: [UInt8]) -> MessageSummary {
    var parser = MessageParser()
    parser.append(ByteBuffer(bytes: message))
    return parser.finish()
}

/// The summary of a text whose line ends are made CRLF.
func summary(_ text: String) -> MessageSummary { summary(crlf(text)) }

/// The text's bytes with CRLF for every line feed.
func crlf(_ text: String) -> [UInt8] { Array(text.utf8).flatMap { $0 == 10 ? [13, 10] : [$0] } }

/// The summary of a message given in pieces of these lengths, over and over.
func summary(_ message: [UInt8], pieces: [Int]) -> MessageSummary {
    var parser = MessageParser()
    var rest = message[...]
    var index = 0
    while !rest.isEmpty {
        let piece = rest.prefix(pieces[index % pieces.count])
        parser.append(ByteBuffer(bytes: piece))
        rest = rest.dropFirst(piece.count)
        index += 1
    }
    return parser.finish()
}

func envelope(_ summary: MessageSummary) -> String {
    var buffer = ByteBuffer()
    summary.writeEnvelope(into: &buffer)
    return String(buffer: buffer)
}

func structure(_ summary: MessageSummary, isExtended: Bool = false) -> String {
    var buffer = ByteBuffer()
    summary.writeBodyStructure(into: &buffer, isExtended: isExtended)
    return String(buffer: buffer)
}

func slice(_ message: [UInt8], _ range: Range<UInt64>) -> String {
    String(decoding: message[Int(range.lowerBound)..<Int(range.upperBound)], as: UTF8.self)
}
