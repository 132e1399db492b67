import NIOCore
import Testing

@testable import IMAPSyntax

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ buffer: ByteBuffer) -> String { String(buffer: buffer) }

/// The command of a line, parsed as `A1 line`.
func parse(_ line: String, acceptsUTF8: Bool = false) throws(SyntaxError) -> Command {
    try CommandParser.parse(bytes("A1 " + line), acceptsUTF8: acceptsUTF8).command
}

/// The error that a line gets.
func failure(_ line: String, limits: IMAPLimits = IMAPLimits()) -> SyntaxError? {
    do throws(SyntaxError) {
        _ = try CommandParser.parse(bytes(line), limits: limits)
        return nil
    } catch {
        return error
    }
}

func numbers(_ elements: SequenceSet.Element...) -> MessageSet { .numbers(SequenceSet(elements)) }

extension SequenceSet.Element {
    static func one(_ number: UInt32) -> Self { .init(.number(number)) }
    static func range(_ first: UInt32, _ second: UInt32) -> Self { .init(.number(first), .number(second)) }
    static func from(_ first: UInt32) -> Self { .init(.number(first), .last) }
    static let last = Self(.last)
}

extension CommandFramer {
    /// All events that can be had; messages are accepted, and the bytes of each come as one.
    mutating func drain() -> [FramerEvent] {
        var events: [FramerEvent] = []
        while let event = next() {
            switch event {
            case .append, .appendNext: acceptMessage()
            case .command(let tagged):
                if case .idle = tagged.command { expectDone() }
                if case .authenticate = tagged.command { expectAuthenticationLine() }
            default: break
            }
            if case .messageBytes(let bytes) = event, case .messageBytes(var joined)? = events.last {
                joined.writeImmutableBuffer(bytes)
                events[events.count - 1] = .messageBytes(joined)
            } else {
                events.append(event)
            }
        }
        return events
    }
}

/// What the framer makes of parts that arrive one by one.
func frame(_ parts: [String], limits: IMAPLimits = IMAPLimits()) -> [FramerEvent] {
    var framer = CommandFramer(limits: limits)
    var events: [FramerEvent] = []
    for part in parts {
        framer.append(ByteBuffer(string: part))
        for event in framer.drain() {
            if case .messageBytes(let bytes) = event, case .messageBytes(var joined)? = events.last {
                joined.writeImmutableBuffer(bytes)
                events[events.count - 1] = .messageBytes(joined)
            } else {
                events.append(event)
            }
        }
    }
    return events
}
