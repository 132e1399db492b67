/// Where a field's value that is too long may be cut: what is left says less, and nothing that the message does not.
enum FieldCut {
    /// Between the entries of a list with commas: addresses, language tags.
    case entries
    /// Between parameters.
    case parameters
    /// Between words: text, message IDs.
    case words

    /// Shortens a value, of which more follows behind the limit or its end.
    /// - Parameter limit: The most bytes that are left.
    func shorten(_ value: inout [UInt8], to limit: Int) {
        value.removeLast(value.count - end(of: value.prefix(limit)))
        while let last = value.last, ASCII.isSpace(last) { value.removeLast() }
    }

    private func end(of value: ArraySlice<UInt8>) -> Int {
        switch self {
        case .entries: Self.lastSeparator(UInt8(ascii: ","), in: value) ?? 0
        case .parameters: Self.lastSeparator(UInt8(ascii: ";"), in: value) ?? 0
        // One word of this length is no text that anybody wrote.
        case .words: value.lastIndex(where: ASCII.isSpace) ?? value.endIndex
        }
    }

    private static func lastSeparator(_ separator: UInt8, in value: ArraySlice<UInt8>) -> Int? {
        var nesting = FieldNesting()
        var found: Int?
        for index in value.indices where nesting.isOutside(value[index]) && value[index] == separator { found = index }
        return found
    }
}

/// Follows a structured field byte by byte, to tell what stands in quotes, comments or angle brackets.
struct FieldNesting {
    private var isInQuotes = false
    private var isInAngles = false
    private var isEscaped = false
    private var commentDepth = 0

    /// Takes the next byte, and tells whether it stands outside of them all.
    mutating func isOutside(_ byte: UInt8) -> Bool {
        if isEscaped {
            isEscaped = false
            return false
        }
        if byte == ASCII.backslash {
            isEscaped = isInQuotes || commentDepth > 0
            return !isEscaped && !isInAngles
        }
        if isInQuotes {
            if byte == ASCII.quote { isInQuotes = false }
            return false
        }
        switch byte {
        case UInt8(ascii: "("): commentDepth += 1
        case UInt8(ascii: ")") where commentDepth > 0: commentDepth -= 1
        case ASCII.quote where commentDepth == 0: isInQuotes = true
        case UInt8(ascii: "<") where commentDepth == 0: isInAngles = true
        case UInt8(ascii: ">") where commentDepth == 0: isInAngles = false
        default: return commentDepth == 0 && !isInAngles
        }
        return false
    }
}
