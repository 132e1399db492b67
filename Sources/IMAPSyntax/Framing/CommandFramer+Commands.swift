import NIOCore

/// Commands, with the literals that belong to their text.
extension CommandFramer {
    mutating func stepCommand() -> Step {
        switch takeLine(limit: limits.commandLineBytes - lineBytes) {
        case .incomplete: return .blocked
        case .tooLong:
            let tag = assembled.isEmpty ? tag(of: input.readableBytesView) : tag(of: assembled)
            beginCommand()
            state = .skippingLine
            let message = "A command has at most \(limits.commandLineBytes) bytes, literals not counted"
            return .event(.refused(SyntaxError(.lineTooLong, tag: tag, message: message)))
        case .complete(let line):
            lineBytes += line.count
            let header = LiteralHeader(endOf: line[...])
            if assembled.isEmpty { assembled = line } else { assembled += line }
            if let header { return announced(header) }
            return finishCommand()
        }
    }

    mutating func finishCommand() -> Step {
        // An empty line between commands: some clients end an APPEND with two line breaks.
        guard !assembled.isEmpty else { return .more }
        let bytes = assembled
        beginCommand()
        do throws(SyntaxError) {
            return .event(.command(try CommandParser.parse(bytes, limits: limits, acceptsUTF8: acceptsUTF8)))
        } catch {
            return .event(.refused(error))
        }
    }

    mutating func announced(_ header: LiteralHeader) -> Step {
        do throws(SyntaxError) {
            switch try CommandParser.appendPrefix(assembled, limits: limits, acceptsUTF8: acceptsUTF8) {
            case .message(let start):
                append = (start.tag, start.message.isUTF8)
                try checkMessage(header)
                beginCommand()
                state = .undecided(header)
                return .event(.append(start))
            case .notAppend, .mailboxLiteral:
                try checkLiteral(header)
                literalBytes += header.length
                assembled += [0x0D, 0x0A]
                state = .literal(remaining: header.length)
                return header.isSynchronising ? .event(.continuationNeeded) : .more
            }
        } catch {
            return refuse(header, error)
        }
    }

    mutating func stepLiteral(_ remaining: Int) -> Step {
        let count = min(remaining, input.readableBytes)
        if let bytes = input.readBytes(length: count) { assembled += bytes }
        guard count == remaining else {
            state = .literal(remaining: remaining - count)
            return .blocked
        }
        state = .command
        return .more
    }

    func checkLiteral(_ header: LiteralHeader) throws(SyntaxError) {
        let isOverTotal = header.length > limits.commandLiteralBytes - literalBytes
        guard !isOverTotal, isWithinMinus(header) else {
            throw literalTooLarge(header, tag: tag(of: assembled))
        }
    }

    func checkMessage(_ header: LiteralHeader) throws(SyntaxError) {
        guard header.length <= limits.appendLiteralBytes else {
            let message = "A message has at most \(limits.appendLiteralBytes) bytes"
            throw SyntaxError(.messageTooLarge, tag: append.tag, offset: assembled.count, message: message)
        }
        guard isWithinMinus(header) else { throw literalTooLarge(header, tag: append.tag) }
    }

    /// LITERAL- (RFC 7888 section 5).
    func isWithinMinus(_ header: LiteralHeader) -> Bool {
        guard !header.isSynchronising, let limit = limits.nonSynchronisingLiteralBytes else { return true }
        return header.length <= limit
    }

    func literalTooLarge(_ header: LiteralHeader, tag: String?) -> SyntaxError {
        let message =
            isWithinMinus(header)
            ? "The literals of a command have at most \(limits.commandLiteralBytes) bytes"
            : "A literal this large must be a synchronising one"
        return SyntaxError(.literalTooLarge, tag: tag, offset: assembled.count, message: message)
    }

    func tag(of bytes: some Collection<UInt8>) -> String? {
        CommandParser.tag(of: bytes, limits: limits)
    }

    mutating func beginCommand() {
        assembled = []
        lineBytes = 0
        literalBytes = 0
    }

    /// Refuses a command whose last line announces a literal.
    mutating func refuse(_ header: LiteralHeader, _ error: SyntaxError) -> Step {
        beginCommand()
        guard header.isSynchronising || header.length <= limits.skippedLiteralBytes else { return close(error) }
        skip(header)
        return .event(.refused(error))
    }

    /// A client whose synchronising literal is refused does not send it: its next line is a new command.
    mutating func skip(_ header: LiteralHeader) {
        state = header.isSynchronising ? .command : .skippingLiteral(remaining: header.length)
    }

    mutating func close(_ error: SyntaxError) -> Step {
        _ = takeBufferedInput()
        state = .closed
        return .event(.unrecoverable(error))
    }
}
