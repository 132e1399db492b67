public import NIOCore

/// One field of a header, as it stands there.
public struct HeaderField: Hashable, Sendable {
    /// What is before the colon, without the blanks around it; empty for a line that is no field.
    public let name: ByteBuffer
    /// What is behind the colon, folded, with the last line end.
    public let value: ByteBuffer
    /// All lines of the field.
    public let lines: ByteBuffer

    /// Whether this is the field's name, in any case.
    public func isNamed(_ name: String) -> Bool {
        ASCII.equalIgnoringCase(self.name.readableBytesView, name.utf8)
    }
}
