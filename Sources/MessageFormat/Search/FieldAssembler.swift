import NIOCore

/// Cuts a header that comes in pieces into its fields.
struct FieldAssembler {
    /// Of one field that are looked at.
    static let fieldBytes = 64 * 1_024
    /// The lines of the field so far.
    private var field: [UInt8] = []
    private var line: [UInt8] = []
    private(set) var isPastHeader = false

    /// Takes bytes; what is behind the header's empty line is left.
    /// - Parameter take: Called with the lines of every field that is complete.
    mutating func append(_ bytes: inout ArraySlice<UInt8>, take: ([UInt8]) -> Void) {
        while !isPastHeader, !bytes.isEmpty {
            let length = bytes.withUnsafeBytes { ByteScan.firstLineFeed(in: $0) }
            let piece = bytes.prefix(length.map { $0 + 1 } ?? bytes.count)
            bytes = bytes.dropFirst(piece.count)
            line.append(contentsOf: piece.prefix(max(0, Self.fieldBytes - line.count)))
            if length != nil { endLine(take) }
        }
    }

    /// The header ends here.
    mutating func finish(take: ([UInt8]) -> Void) {
        if !line.isEmpty { endLine(take) }
        endField(take)
        isPastHeader = false
    }

    private mutating func endLine(_ take: ([UInt8]) -> Void) {
        if let first = line.first, ASCII.isBlank(first) {
            field.append(contentsOf: line.prefix(max(0, Self.fieldBytes - field.count)))
        } else {
            endField(take)
            isPastHeader = line.last == ASCII.lineFeed && ASCII.isEmptyLine(line)
            if !isPastHeader { swap(&field, &line) }
        }
        line.removeAll(keepingCapacity: true)
    }

    private mutating func endField(_ take: ([UInt8]) -> Void) {
        if !field.isEmpty { take(field) }
        field.removeAll(keepingCapacity: true)
    }
}
