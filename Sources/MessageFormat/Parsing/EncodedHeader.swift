/// Decodes the header of a message that stands in its part encoded, as far as it is there.
struct EncodedHeader {
    /// A header beyond is not decoded further: what is no message has no empty line.
    private static let decodedBytes = 256 * 1_024

    private var transfer: TransferDecoder
    private var line: [UInt8] = []
    private var decoded: [UInt8] = []
    private var left = decodedBytes

    /// Nil for an encoding that this module cannot decode.
    init?(_ encoding: TransferEncoding) {
        switch encoding {
        case .base64, .quotedPrintable: transfer = TransferDecoder(encoding)
        case .sevenBit, .eightBit, .binary, .other: return nil
        }
    }

    /// Takes a line of the part.
    /// - Parameter isWhole: Whether the line is there to its end, and has one.
    /// - Returns: whether the header goes on.
    mutating func append(
        _ content: UnsafeRawBufferPointer,
        isWhole: Bool,
        to header: inout HeaderCollector
    ) -> Bool {
        decoded.removeAll(keepingCapacity: true)
        transfer.decode(content, into: &decoded)
        if isWhole { transfer.decode([ASCII.carriageReturn, ASCII.lineFeed], into: &decoded) }
        for byte in decoded {
            guard byte == ASCII.lineFeed else {
                if line.count < header.limits.lineBytes { line.append(byte) }
                continue
            }
            guard !ASCII.isEmptyLine(line) else { return false }
            if line.last == ASCII.carriageReturn { line.removeLast() }
            line.withUnsafeBytes { header.line($0) }
            line.removeAll(keepingCapacity: true)
        }
        left -= decoded.count
        return left > 0 && isWhole
    }

    /// The part ends here.
    mutating func finish(_ header: inout HeaderCollector) {
        if !ASCII.isEmptyLine(line) { line.withUnsafeBytes { header.line($0) } }
        line.removeAll()
    }
}
