/// Cuts a header that comes in pieces into its fields, and hands their values on in pieces.
struct FieldAssembler {
    enum Event {
        /// A field begins; its name without blanks around it.
        case name([UInt8])
        /// More of its value, with line ends or without.
        case value(ArraySlice<UInt8>)
        case end
    }
    private enum State {
        case lineStart
        /// CRs at the start of a line.
        case emptyLine
        case name
        case value
        /// A line that is no field, and those that continue it.
        case other
    }
    /// No field of mail has a longer name.
    static let nameBytes = 1_000

    private var state = State.lineStart
    private var name: [UInt8] = []
    private var isInField = false
    private(set) var isPastHeader = false

    /// Takes bytes; what is behind the header's empty line is left out.
    mutating func append(_ bytes: ArraySlice<UInt8>, take: (Event) -> Void) {
        var rest = bytes
        while !isPastHeader, let byte = rest.first {
            switch state {
            case .lineStart:
                if ASCII.isBlank(byte) {
                    state = isInField ? .value : .other
                } else if byte == ASCII.lineFeed {
                    end(take)
                    isPastHeader = true
                } else if byte == ASCII.carriageReturn {
                    state = .emptyLine
                    rest.removeFirst()
                } else {
                    end(take)
                    state = .name
                }
            case .emptyLine:
                if byte == ASCII.carriageReturn {
                    rest.removeFirst()
                } else {
                    // CR and something else begin a line that is no field.
                    end(take)
                    if byte == ASCII.lineFeed { isPastHeader = true } else { state = .other }
                }
            case .name:
                rest.removeFirst()
                if byte == UInt8(ascii: ":") {
                    take(.name(ASCII.trimmed(name)))
                    isInField = true
                    state = .value
                    name.removeAll(keepingCapacity: true)
                } else if byte == ASCII.lineFeed || name.count >= Self.nameBytes {
                    name.removeAll(keepingCapacity: true)
                    state = byte == ASCII.lineFeed ? .lineStart : .other
                } else {
                    name.append(byte)
                }
            case .value, .other:
                let length = rest.withUnsafeBytes { ByteScan.firstLineFeed(in: $0) }
                let piece = rest.prefix(length.map { $0 + 1 } ?? rest.count)
                rest = rest.dropFirst(piece.count)
                if state == .value { take(.value(piece)) }
                if length != nil { state = .lineStart }
            }
        }
    }

    /// The header ends here.
    mutating func finish(take: (Event) -> Void) {
        end(take)
        self = FieldAssembler()
    }

    private mutating func end(_ take: (Event) -> Void) {
        if isInField { take(.end) }
        isInField = false
    }
}
