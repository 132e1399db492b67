import NIOCore

/// Lines, wanted and not.
extension CommandFramer {
    enum Line {
        case incomplete
        case tooLong
        case complete([UInt8])
    }

    /// Takes the next line, without its CRLF or LF.
    mutating func takeLine(limit: Int) -> Line {
        let unsearched = input.readableBytesView.dropFirst(searchedBytes)
        guard let lineFeed = unsearched.firstIndex(of: 0x0A) else {
            searchedBytes = input.readableBytes
            // A carriage return may be the last byte within the limit.
            return searchedBytes > limit + 1 ? .tooLong : .incomplete
        }
        var length = lineFeed - input.readerIndex
        let total = length + 1
        if length > 0, input.readableBytesView[lineFeed - 1] == 0x0D { length -= 1 }
        guard length <= limit else { return .tooLong }
        let line = input.readBytes(length: length) ?? []
        consume(total - length)
        searchedBytes = 0
        return .complete(line)
    }

    mutating func consume(_ count: Int) {
        input.moveReaderIndex(forwardBy: count)
    }

    /// Looks for the end of a line that is not wanted, keeping only what may announce a literal.
    mutating func stepSkippedLine() -> Step {
        let view = input.readableBytesView
        guard let lineFeed = view.dropFirst(searchedBytes).firstIndex(of: 0x0A) else {
            consume(max(0, input.readableBytes - LiteralHeader.maximumBytes))
            searchedBytes = input.readableBytes
            return .blocked
        }
        var end = lineFeed
        if end > view.startIndex, view[end - 1] == 0x0D { end -= 1 }
        let tail = Array(view[max(view.startIndex, end - LiteralHeader.maximumBytes)..<end])
        consume(lineFeed + 1 - input.readerIndex)
        searchedBytes = 0
        state = .command
        if let header = LiteralHeader(endOf: tail[...]) {
            guard header.isSynchronising || header.length <= limits.skippedLiteralBytes else {
                return close(literalTooLarge(header, tag: nil))
            }
            skip(header)
        }
        return .more
    }

    mutating func stepSkippedLiteral(_ remaining: Int) -> Step {
        let count = min(remaining, input.readableBytes)
        consume(count)
        guard count == remaining else {
            state = .skippingLiteral(remaining: remaining - count)
            return .blocked
        }
        state = .skippingLine
        return .more
    }
}

/// Modes in which a line is no command.
extension CommandFramer {
    mutating func stepIdle() -> Step {
        let error = SyntaxError(.expectedDone, message: "IDLE needs DONE, found something else")
        switch takeLine(limit: limits.commandLineBytes) {
        case .incomplete: return .blocked
        case .tooLong:
            state = .skippingLine
            return .event(.idleBroken(error))
        case .complete(let line):
            state = .command
            let word = line.map(\.uppercased)
            return .event(word.elementsEqual("DONE".utf8) ? .idleEnded : .idleBroken(error))
        }
    }

    mutating func stepAuthentication() -> Step {
        switch takeLine(limit: limits.authenticationLineBytes) {
        case .incomplete: return .blocked
        case .tooLong:
            state = .skippingLine
            let message = "A line of AUTHENTICATE has at most \(limits.authenticationLineBytes) bytes"
            return .event(.authenticationLine(.malformed(SyntaxError(.lineTooLong, message: message))))
        case .complete(let line):
            state = .command
            if line.elementsEqual("*".utf8) { return .event(.authenticationLine(.cancelled)) }
            guard let bytes = Base64.decode(line) else {
                let error = SyntaxError(.invalidBase64, message: "AUTHENTICATE needs a line of base64")
                return .event(.authenticationLine(.malformed(error)))
            }
            return .event(.authenticationLine(.response(Secret(bytes))))
        }
    }
}
