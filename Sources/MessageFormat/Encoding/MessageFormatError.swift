/// Why bytes are not an encoded summary.
public struct MessageFormatError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the bytes.
    public enum Reason: Hashable, Sendable {
        case truncated
        case unknownVersion(UInt8)
        case unknownTag(UInt8)
        case outOfRange
        case tooLong
        case notUTF8
        case trailingBytes
    }
    /// What is wrong.
    public let reason: Reason
    /// Bytes read before the fault.
    public let offset: Int

    public init(_ reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "message summary: \(reason) at byte \(offset)" }
}
