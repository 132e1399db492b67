internal import IMAPSyntax

extension BodySection {
    /// The range of the section in the message; nil when the message has no such part.
    func range(in outline: (any MessageOutline)?, _ size: UInt64) -> Range<UInt64>? {
        let bounds = 0..<size
        guard !part.isEmpty else {
            let header = Swift.min(outline?.headerBytes ?? 0, size)
            switch text {
            case nil: return bounds
            case .header, .headerFields, .headerFieldsNot: return 0..<header
            case .text: return header..<size
            case .mime: return nil
            }
        }
        guard let part = outline?.part(part.map { Int($0) }) else { return nil }
        switch text {
        case nil: return part.body.clamped(to: bounds)
        case .mime: return part.mime.clamped(to: bounds)
        case .header, .headerFields, .headerFieldsNot: return part.message?.header.clamped(to: bounds)
        case .text: return part.message?.text.clamped(to: bounds)
        }
    }
}

extension Range<UInt64> {
    func prefix(bytes: UInt64) -> Range<UInt64> {
        lowerBound..<(lowerBound + Swift.min(bytes, upperBound - lowerBound))
    }

    /// The bytes that `<offset.length>` asks for, as far as there are any.
    func cut(by partial: BytePartial?) -> Range<UInt64> {
        guard let partial else { return self }
        let start = lowerBound + Swift.min(partial.offset, upperBound - lowerBound)
        return start..<(start + Swift.min(partial.length, upperBound - start))
    }
}
