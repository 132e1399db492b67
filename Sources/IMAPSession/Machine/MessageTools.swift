public import NIOCore

/// What a session asks about messages and does not work out itself. The gateway answers by the module MessageFormat.
public protocol MessageTools: Sendable {
    /// A parser for a message that is on its way in.
    func makeParser() -> any MessageParsing

    /// The outline that was stored with a message; nil when it cannot be understood.
    ///
    /// - Parameter needsStructure: whether more than sizes, envelope and day will be asked for. Without that, the rest
    ///   is not even looked at.
    func summary(_ encoded: ByteBuffer, needsStructure: Bool) -> (any MessageOutline)?

    /// Works out what a stored summary does not say, from the message itself.
    func makeReader() -> any OutlineReading

    /// Takes the fields that a client names, or all others, out of many headers; with the empty line at the end.
    func makeFilter(names: [String], not: Bool) -> any HeaderFiltering

    /// Prepares terms that are looked for in many messages, one after another.
    func makeSearcher(_ terms: [SearchTerm]) -> any MessageSearching

    /// A search string as UTF-8; nil when the charset is not known.
    func utf8(_ text: [UInt8], charset: String) -> [UInt8]?
}

/// Computes a message's summary while its bytes pass by, in bounded memory.
public protocol MessageParsing {
    /// Takes in the next bytes of the message.
    mutating func append(_ bytes: ByteBuffer)
    /// The encoded summary, to be stored with the message.
    mutating func finish() -> ByteBuffer
}

/// Works out a message's outline while its bytes pass by, in memory that is bounded by 4 MiB of any one header.
public protocol OutlineReading {
    /// Takes in the next bytes of the message.
    mutating func append(_ bytes: ByteBuffer)
    /// The outline of all bytes so far, as whole as it gets.
    mutating func finish() -> any MessageOutline
}

/// Takes the same fields out of many headers.
public protocol HeaderFiltering {
    /// The fields as they stand in the header, with the empty line at the end.
    func filter(_ header: ByteBuffer) -> ByteBuffer
}

/// Writes a part of a response piece by piece, so that others get a turn in between.
public protocol ResponseWriting {
    /// Appends the next piece.
    ///
    /// - Returns: whether it was the last one.
    mutating func writeNext(into buffer: inout ByteBuffer) -> Bool
}

/// The structure of a stored message. Ranges are offsets in its raw bytes.
public protocol MessageOutline {
    /// The parenthesised list of ENVELOPE (RFC 3501, section 7.4.2).
    func writeEnvelope(into buffer: inout ByteBuffer)
    /// The parenthesised list of BODYSTRUCTURE, or of BODY when not extended.
    func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool)
    /// The same two piece by piece, for an outline that was read from the message and may be long.
    func makeEnvelopeWriter() -> any ResponseWriting
    /// Writes the body structure piece by piece; see ``makeEnvelopeWriter()``.
    func makeBodyStructureWriter(isExtended: Bool) -> any ResponseWriting
    /// Whether nothing of the envelope was too long to be kept; otherwise the header says more.
    var isEnvelopeWhole: Bool { get }
    /// The same of the body structure and all headers in the message.
    var isStructureWhole: Bool { get }
    /// The offset at which the message's body begins.
    var headerBytes: UInt64 { get }
    /// The Date field's day in its own zone, as days since 1970; nil when there is none that can be read.
    var sentDay: Int? { get }
    /// The part with these numbers (RFC 3501, section 6.4.5); nil when there is none.
    func part(_ path: [Int]) -> OutlinePart?
}

/// Where one part of a message lies.
public struct OutlinePart: Hashable, Sendable {
    /// Its MIME header, with the empty line.
    public var mime: Range<UInt64>
    /// Its content.
    public var body: Range<UInt64>
    /// Header and text of the message within, when the part is a message/rfc822.
    public var message: Message?

    /// Where a message within a part lies.
    public struct Message: Hashable, Sendable {
        /// Its header, with the empty line.
        public var header: Range<UInt64>
        /// What follows its header.
        public var text: Range<UInt64>

        public init(header: Range<UInt64>, text: Range<UInt64>) {
            self.header = header
            self.text = text
        }
    }

    public init(mime: Range<UInt64>, body: Range<UInt64>, message: Message?) {
        self.mime = mime
        self.body = body
        self.message = message
    }
}

/// A condition of SEARCH on what stands in a message. Strings are UTF-8.
public enum SearchTerm: Hashable, Sendable {
    /// The value stands in a field of the ENVELOPE. An empty value asks for the field to be there.
    case envelope(EnvelopeField, value: [UInt8])
    /// The value stands in a header field. An empty value asks for the field to be there.
    case header(name: [UInt8], value: [UInt8])
    /// The value stands in the text parts, or in the headers of messages within the message.
    case body([UInt8])
    /// The value stands in the header, the text parts, or the headers of parts.
    case text([UInt8])
}

/// The fields of an ENVELOPE that SEARCH has keys for (RFC 3501, section 6.4.4).
public enum EnvelopeField: Hashable, Sendable {
    case from, to, cc, bcc, subject
}

/// Looks for terms in messages, one after another, first in what is stored with a message, then in its bytes, which are
/// handed in piece by piece. A class, so that it keeps its buffers from one message to the next.
public protocol MessageSearching: AnyObject {
    /// Begins with another message.
    ///
    /// - Parameter summary: what is stored with the message, encoded.
    /// - Returns: how many bytes of the summary had to be decoded. Each costs about as much as one of a header.
    func start(summary: ByteBuffer, sizeBytes: UInt64) -> Int
    /// The bytes of the message to be fed next, wholly and in order; nil when every term is decided.
    func nextRange() -> Range<UInt64>?
    /// A piece of the range asked for.
    func feed(_ bytes: ByteBuffer)
    /// Whether the n-th term was found; nil while that is not known.
    func isFound(_ term: Int) -> Bool?
}
