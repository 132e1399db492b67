import NIOCore

/// Messages of an APPEND, which are streamed.
extension CommandFramer {
    mutating func stepMessage(_ remaining: Int) -> Step {
        guard remaining > 0 else {
            state = .behindMessage
            return .event(.messageEnded)
        }
        guard let part = input.readSlice(length: min(remaining, input.readableBytes)), part.readableBytes > 0 else {
            return .blocked
        }
        state = .message(remaining: remaining - part.readableBytes)
        return .event(.messageBytes(part))
    }

    mutating func stepBehindMessage() -> Step {
        switch takeLine(limit: limits.commandLineBytes) {
        case .incomplete: return .blocked
        case .tooLong:
            state = .skippingLine
            let message = "A command has at most \(limits.commandLineBytes) bytes, literals not counted"
            return .event(.refused(SyntaxError(.lineTooLong, tag: append.tag, message: message)))
        case .complete(var line):
            state = .command
            let header = LiteralHeader(endOf: line[...])
            do throws(SyntaxError) {
                if append.isUTF8 {
                    guard line.first == UInt8(ascii: ")") else { throw trailing() }
                    line.removeFirst()
                }
                if line.allSatisfy({ $0 == UInt8(ascii: " ") }) { return .event(.appendEnded) }
                guard let header else { throw trailing() }
                let message = try CommandParser.furtherMessage(line, limits: limits)
                try checkMessage(header)
                append.isUTF8 = message.isUTF8
                state = .undecided(header)
                return .event(.appendNext(message))
            } catch {
                var tagged = error
                tagged.tag = append.tag
                guard let header else { return .event(.refused(tagged)) }
                return refuse(header, tagged)
            }
        }
    }

    func trailing() -> SyntaxError {
        SyntaxError(
            .malformed,
            message: "APPEND needs a line break behind the message's \(append.isUTF8 ? ")" : "bytes")"
        )
    }
}
