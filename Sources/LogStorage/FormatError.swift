internal import NIOCore

/// Why bytes of a segment are not what they should be, and where.
struct FormatError: Error, Hashable, CustomStringConvertible {
    enum Reason: Hashable {
        case truncated
        /// The mark that such bytes start or end with is not there.
        case noMark
        case checksum
        case unknownVersion(UInt16)
        case unknownType(UInt8)
        /// A number that no log writes.
        case outOfRange
        /// The bytes name another log or segment.
        case foreign
    }

    let reason: Reason
    /// The place in the bytes that were decoded.
    let offset: Int
    /// What should be there.
    let subject: StaticName

    enum StaticName: String {
        case segmentHeader = "segment header"
        case roundHeader = "round header"
        case roundHead = "head of a round"
        case recordHeader = "record header"
        case configuration
        case record
        case checkpoint
    }

    var description: String {
        let what =
            switch reason {
            case .truncated: "ends too early"
            case .noMark: "lacks its mark"
            case .checksum: "does not fit its checksum"
            case .unknownVersion(let version): "has the unknown version \(version)"
            case .unknownType(let type): "has the unknown type \(type)"
            case .outOfRange: "holds a number that no log writes"
            case .foreign: "is of another log or segment"
            }
        return "the \(subject.rawValue) \(what) at byte \(offset)"
    }
}

/// Reads little-endian numbers, and says what is missing where.
struct FormatDecoder {
    private var bytes: ByteBuffer
    private let end: Int
    let subject: FormatError.StaticName

    /// - Parameters:
    ///   - offset: where to begin in `file`, whose first readable byte is 0.
    ///   - length: how much belongs to it; nil: all.
    init(
        _ file: ByteBuffer,
        at offset: Int = 0,
        length: Int? = nil,
        _ subject: FormatError.StaticName
    ) throws(FormatError) {
        self.subject = subject
        let start = file.readerIndex + offset
        guard let slice = file.getSlice(at: start, length: length ?? max(0, file.readableBytes - offset)) else {
            throw FormatError(reason: .truncated, offset: offset, subject: subject)
        }
        bytes = slice
        end = offset + slice.readableBytes
    }

    /// The offset of the next byte.
    var offset: Int { end - bytes.readableBytes }
    var remaining: Int { bytes.readableBytes }
    /// The checksum of all that is left.
    var checksum: UInt32 { Checksum.of(bytes) }

    func failure(_ reason: FormatError.Reason) -> FormatError {
        FormatError(reason: reason, offset: offset, subject: subject)
    }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(FormatError) -> T {
        guard let value = bytes.readInteger(endianness: .little, as: T.self) else { throw failure(.truncated) }
        return value
    }

    /// A number that must not be higher than `maximum`.
    mutating func number<T: FixedWidthInteger>(upTo maximum: T) throws(FormatError) -> T {
        let value = try integer(T.self)
        guard value <= maximum else { throw failure(.outOfRange) }
        return value
    }

    /// A count of items that take so many bytes each. A count for which there are too few bytes is an error.
    mutating func count(bytesEach: Int) throws(FormatError) -> Int {
        let count = Int(try integer(UInt32.self))
        guard count * bytesEach <= remaining else { throw failure(.truncated) }
        return count
    }

    mutating func text(length: Int) throws(FormatError) -> String {
        guard let text = bytes.readString(length: length) else { throw failure(.truncated) }
        return text
    }
}
