public import NIOCore

/// Cuts the client's bytes into commands, within the limits, and hands an APPEND's messages out as a stream.
///
/// The owner appends what it received and pulls events with `next()` until that returns nil. As events are pulled, the
/// owner can change the mode between two commands that arrived together: after `IDLE`, `expectDone()`; after
/// `AUTHENTICATE`, `expectAuthenticationLine()`; after STARTTLS was accepted, `reset()`. To hold the client back, it
/// stops pulling, and stops reading once `bufferedBytes` is more than it likes.
public struct CommandFramer: Sendable {
    /// What a command may need at most.
    public var limits: IMAPLimits
    /// Whether mailbox names are UTF-8: set after ENABLE of UTF8=ACCEPT or IMAP4rev2.
    public var acceptsUTF8 = false

    enum State: Hashable {
        /// At the start of a command or behind one of its literals.
        case command
        /// Within a literal that belongs to the command's text.
        case literal(remaining: Int)
        /// A message was announced, and the owner has not decided.
        case undecided(LiteralHeader)
        /// Accepted; the client waits for a continuation.
        case continuation(length: Int)
        case message(remaining: Int)
        /// Behind a message: further ones, or the end of the APPEND.
        case behindMessage
        case skippingLine
        case skippingLiteral(remaining: Int)
        case idle
        case authentication
        case closed
    }

    var state = State.command
    var input = ByteBuffer()
    /// So many bytes of the input were searched for a line feed, and have none: nothing is searched twice.
    var searchedBytes = 0
    /// The command so far: its lines, with the literals between them.
    var assembled: [UInt8] = []
    var lineBytes = 0
    var literalBytes = 0
    var append: (tag: String, isUTF8: Bool) = ("", false)

    public init(limits: IMAPLimits = IMAPLimits()) {
        self.limits = limits
    }

    /// Received and not yet handed out.
    public var bufferedBytes: Int { input.readableBytes }

    /// Takes bytes from the client.
    public mutating func append(_ bytes: ByteBuffer) {
        guard state != .closed, bytes.readableBytes > 0 else { return }
        guard input.readableBytes > 0 else {
            input = bytes
            return
        }
        if input.readerIndex > input.readableBytes { input.discardReadBytes() }
        input.writeImmutableBuffer(bytes)
    }

    /// The next event, or nil when more bytes or a decision are needed.
    public mutating func next() -> FramerEvent? {
        while true {
            switch step() {
            case .event(let event): return event
            case .more: continue
            case .blocked: return nil
            }
        }
    }

    enum Step {
        case event(FramerEvent)
        case more
        case blocked
    }

    mutating func step() -> Step {
        switch state {
        case .command: return stepCommand()
        case .literal(let remaining): return stepLiteral(remaining)
        case .undecided, .closed: return .blocked
        case .continuation(let length):
            state = .message(remaining: length)
            return .event(.continuationNeeded)
        case .message(let remaining): return stepMessage(remaining)
        case .behindMessage: return stepBehindMessage()
        case .skippingLine: return stepSkippedLine()
        case .skippingLiteral(let remaining): return stepSkippedLiteral(remaining)
        case .idle: return stepIdle()
        case .authentication: return stepAuthentication()
        }
    }
}

// MARK: - What the owner decides

extension CommandFramer {
    /// Lets the announced message in. A continuation is asked for by the next event where the client waits for one.
    public mutating func acceptMessage() {
        guard case .undecided(let header) = state else { preconditionFailure("no message was announced") }
        let length = header.length
        state = header.isSynchronising ? .continuation(length: length) : .message(remaining: length)
    }

    /// Gives up the APPEND under way, whatever was received of it; the rest is skipped without a further event. The
    /// owner answers the APPEND's tag.
    public mutating func refuseAppend() {
        switch state {
        case .undecided(let header): skip(header)
        case .continuation: state = .command
        case .message(let remaining): state = .skippingLiteral(remaining: remaining)
        case .behindMessage: state = .skippingLine
        case .command, .literal, .skippingLine, .skippingLiteral, .idle, .authentication, .closed: break
        }
    }

    /// The next line is to be DONE: call it when IDLE was accepted, before `next()`.
    public mutating func expectDone() {
        precondition(state == .command && assembled.isEmpty, "within a command")
        state = .idle
    }

    /// The next line belongs to AUTHENTICATE: call it once for every line that the mechanism needs.
    public mutating func expectAuthenticationLine() {
        precondition(state == .command && assembled.isEmpty, "within a command")
        state = .authentication
    }

    /// Forgets everything: after STARTTLS, when nothing may be buffered.
    ///
    /// - Returns: how many bytes were thrown away. Anything but 0 before a handshake is an injection: close.
    @discardableResult
    public mutating func reset() -> Int {
        let discarded = takeBufferedInput().readableBytes + assembled.count
        beginCommand()
        state = .command
        return discarded
    }

    /// Takes what is buffered: the start of the compressed stream behind COMPRESS (RFC 4978).
    public mutating func takeBufferedInput() -> ByteBuffer {
        defer {
            input = ByteBuffer()
            searchedBytes = 0
        }
        return input
    }
}
