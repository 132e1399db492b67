internal import NIOCore

/// Takes the dots out of DATA (RFC 5321, section 4.5.2) and finds its end.
///
/// Only CRLF . CRLF ends a message: a bare LF never does, so that no message can smuggle another behind itself.
struct DotDecoder {
    private enum State {
        case lineStart
        /// A dot at the start of a line: stuffing, or the end.
        case dot
        /// A dot and CR at the start of a line.
        case dotCR
        case line
        case cr
    }

    private var state = State.lineStart

    /// Decodes what `input` holds into `output`.
    ///
    /// - Returns: whether the message ended; what follows it is left in `input`.
    mutating func decode(_ input: inout ByteBuffer, into output: inout ByteBuffer) -> Bool {
        let start = input.readerIndex
        var copied = 0
        var position = 0
        var isOver = false
        input.withUnsafeReadableBytes { bytes in
            func flush(upTo end: Int) {
                if end > copied { output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[copied..<end])) }
                copied = end
            }
            scan: while position < bytes.count {
                let byte = bytes[position]
                switch state {
                case .line:
                    // Most bytes are here: go to the next CR at once.
                    guard let found = bytes[position...].firstIndex(of: 13) else {
                        position = bytes.count
                        break scan
                    }
                    position = found
                    state = .cr
                case .cr:
                    state = byte == 10 ? .lineStart : byte == 13 ? .cr : .line
                case .lineStart:
                    if byte == UInt8(ascii: ".") {
                        flush(upTo: position)
                        copied = position + 1
                        state = .dot
                    } else {
                        state = byte == 13 ? .cr : .line
                    }
                case .dot:
                    if byte == 13 {
                        flush(upTo: position)
                        copied = position + 1
                        state = .dotCR
                    } else {
                        state = .line
                        continue scan
                    }
                case .dotCR:
                    if byte == 10 {
                        position += 1
                        copied = position
                        isOver = true
                        break scan
                    }
                    // Not the end: the CR was the message's own.
                    output.writeInteger(13, as: UInt8.self)
                    copied = position
                    state = byte == 13 ? .cr : .line
                }
                position += 1
            }
            flush(upTo: position)
        }
        input.moveReaderIndex(to: start + position)
        if isOver { state = .lineStart }
        return isOver
    }
}
