public import NIOCore

/// Why bytes from a disk or a peer are not what they claim to be.
public struct DecodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the bytes.
    public enum Reason: Hashable, Sendable {
        case truncated
        case unknownVersion(UInt64)
        case unknownTag(UInt64)
        case outOfRange
        case tooLong
        case notUTF8
        case trailingBytes
    }
    /// What is wrong.
    public let reason: Reason
    /// Bytes read before the fault.
    public let offset: Int
    /// What was being read.
    public let subject: String

    public init(_ reason: Reason, offset: Int, subject: String) {
        self.reason = reason
        self.offset = offset
        self.subject = subject
    }

    public var description: String { "\(subject): \(reason) at byte \(offset)" }
}

/// Reads fixed-width, big-endian fields from a buffer; every read checks that the bytes are there.
public struct WireDecoder {
    @usableFromInline var storage: ByteBuffer
    private let start: Int
    private let subject: String

    /// A decoder at the reader index of `buffer`.
    ///
    /// - Parameter subject: what the bytes are, for errors.
    public init(_ buffer: ByteBuffer, subject: String) {
        storage = buffer
        self.start = buffer.readerIndex
        self.subject = subject
    }

    /// What is left.
    @inlinable public var buffer: ByteBuffer { storage }

    /// The error for what was just read, at the present offset.
    public func failure(_ reason: DecodingError.Reason) -> DecodingError {
        DecodingError(reason, offset: storage.readerIndex - start, subject: subject)
    }

    /// How many bytes are left.
    @inlinable public var remaining: Int { storage.readableBytes }

    // Inlinable: a generic function of another module is not specialized, and this is the heart of every decoder.
    /// Reads a big-endian integer of the width of its type.
    ///
    /// - Throws: ``DecodingError``, when there are too few bytes.
    @inlinable
    public mutating func integer<T: FixedWidthInteger>(as type: T.Type = T.self) throws(DecodingError) -> T {
        guard let value = storage.readInteger(as: T.self) else { throw failure(.truncated) }
        return value
    }

    /// Reads a byte that must be 0 or 1.
    ///
    /// - Throws: ``DecodingError``, also for any other byte.
    public mutating func bool() throws(DecodingError) -> Bool {
        switch try integer(as: UInt8.self) {
        case 0: false
        case 1: true
        case let other: throw failure(.unknownTag(UInt64(other)))
        }
    }

    /// A run of bytes behind its length (32 bits), sharing the buffer's storage.
    public mutating func bytes(maximum: Int) throws(DecodingError) -> ByteBuffer {
        let length = Int(try integer(as: UInt32.self))
        guard length <= maximum else { throw failure(.tooLong) }
        guard let slice = storage.readSlice(length: length) else { throw failure(.truncated) }
        return slice
    }

    /// Reads UTF-8 behind its length in bytes (32 bits).
    ///
    /// - Throws: ``DecodingError``, also for what is longer than `maximum` bytes or is not UTF-8.
    public mutating func string(maximum: Int = 4_096) throws(DecodingError) -> String {
        let slice = try bytes(maximum: maximum)
        guard let text = String(validating: slice.readableBytesView, as: UTF8.self) else { throw failure(.notUTF8) }
        return text
    }

    /// A count of things that take at least `minimumBytes` each: bounds what a hostile count makes us reserve.
    public mutating func count(minimumBytes: Int) throws(DecodingError) -> Int {
        let count = Int(try integer(as: UInt32.self))
        guard count * minimumBytes <= storage.readableBytes else { throw failure(.truncated) }
        return count
    }

    /// Checks that nothing is left.
    ///
    /// - Throws: ``DecodingError`` otherwise.
    public mutating func finish() throws(DecodingError) {
        guard storage.readableBytes == 0 else { throw failure(.trailingBytes) }
    }
}

extension ByteBuffer {
    /// Appends a byte that is 0 or 1.
    public mutating func writeBool(_ value: Bool) { writeInteger(value ? 1 : 0, as: UInt8.self) }

    /// Appends a count as 32 bits.
    public mutating func writeCount(_ value: Int) { writeInteger(UInt32(value)) }

    /// Appends the text's UTF-8 behind its length (32 bits).
    public mutating func writeLengthPrefixed(_ text: String) {
        writeInteger(UInt32(text.utf8.count))
        writeString(text)
    }

    /// Appends the readable bytes behind their length (32 bits).
    public mutating func writeLengthPrefixed(_ bytes: ByteBuffer) {
        writeInteger(UInt32(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    /// Appends the bytes behind their length (32 bits).
    public mutating func writeLengthPrefixed(_ bytes: [UInt8]) {
        writeInteger(UInt32(bytes.count))
        writeBytes(bytes)
    }
}
