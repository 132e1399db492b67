/// The upper half of a charset of one byte a character; the lower half is ASCII.
struct SingleByteTable: Hashable, Sendable {
    private let scalars: [UInt16]

    /// - Parameter upper: The 128 characters from 0x80 on; U+FFFD for bytes that stand for none.
    init(_ upper: String) {
        scalars = upper.unicodeScalars.map { UInt16($0.value) }
        precondition(scalars.count == 128)
    }

    func scalar(_ byte: UInt8) -> Unicode.Scalar {
        byte < 0x80 ? Unicode.Scalar(byte) : Unicode.Scalar(scalars[Int(byte & 0x7f)]) ?? "\u{FFFD}"
    }
}
