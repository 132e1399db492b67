import Consensus
import NIOCore
import Testing

@testable import IMAPSyntax

@Suite struct FramerLimitTests {
    static let noop = CommandFramerTests.noop

    static func kinds(_ events: [FramerEvent]) -> [SyntaxError.Kind?] {
        events.map { event in
            switch event {
            case .refused(let error), .unrecoverable(let error), .idleBroken(let error): error.kind
            default: nil
            }
        }
    }

    @Test func longLines() {
        let limit = IMAPLimits().commandLineBytes
        let fits = "b LOGIN u " + String(repeating: "x", count: limit - 10)
        #expect(Self.kinds(frame([fits + "\r\n", "b NOOP\r\n"])) == [nil, nil])
        let tooLong = fits + "x"
        for end in ["\r\n", "\n"] {
            let events = frame([tooLong + end + "b NOOP\r\n"])
            #expect(Self.kinds(events) == [.lineTooLong, nil])
            guard case .refused(let error) = events[0] else { continue }
            #expect(error.tag == "b")
        }
        // Refused before its end is there, and not kept.
        var framer = CommandFramer()
        framer.append(ByteBuffer(string: tooLong + "xx"))
        #expect(Self.kinds(framer.drain()) == [.lineTooLong])
        for _ in 0..<100 {
            framer.append(ByteBuffer(repeating: 0x78, count: 10_000))
            #expect(framer.drain().isEmpty)
            #expect(framer.bufferedBytes <= LiteralHeader.maximumBytes)
        }
        framer.append(ByteBuffer(string: " {3+}\r\na\r\n\r\nb NOOP\r\n"))
        #expect(framer.drain() == [Self.noop])
    }

    @Test func lineBytesAddUpOverLiterals() {
        let part = String(repeating: "x", count: 40_000) + " {1+}\r\ny"
        #expect(Self.kinds(frame(["b LOGIN \(part)\(part)\r\nb NOOP\r\n"])) == [.lineTooLong, nil])
    }

    @Test func largeLiterals() {
        // A synchronising one is not sent by the client.
        #expect(Self.kinds(frame(["b LOGIN {65537}\r\nb NOOP\r\n"])) == [.literalTooLarge, nil])
        #expect(Self.kinds(frame(["b LOGIN {99999999999999999999999}\r\nb NOOP\r\n"])) == [.literalTooLarge, nil])
        #expect(Self.kinds(frame(["b LOGIN {99999999999999999999999+}\r\nb NOOP\r\n"])) == [.literalTooLarge])
        let skipped = String(repeating: "\r\nz NOOP\r\n", count: 10_000)
        let input = "b LOGIN {100000+}\r\n\(skipped) x\r\nb NOOP\r\n"
        let events = frame([input])
        #expect(Self.kinds(events) == [.literalTooLarge, nil])
        guard case .refused(let error) = events[0] else { return }
        #expect(error.tag == "b")
        #expect(error.response.condition == .bad)
    }

    @Test func skippedLiteralsAreNotBuffered() {
        var framer = CommandFramer()
        framer.append(ByteBuffer(string: "a APPEND INBOX {100000000+}\r\n"))
        guard case .refused(let error)? = framer.next() else { return #expect(Bool(false)) }
        #expect(error.kind == .messageTooLarge)
        #expect(error.response.code == .tooBig)
        for _ in 0..<100 {
            framer.append(ByteBuffer(repeating: 0x0A, count: 1_000_000))
            #expect(framer.next() == nil)
            #expect(framer.bufferedBytes == 0)
        }
        framer.append(ByteBuffer(string: "\r\nb NOOP\r\n"))
        #expect(framer.next() == Self.noop)
    }

    @Test func literalsOfACommandAddUp() {
        let literal = "{40000+}\r\n" + String(repeating: "x", count: 40_000)
        #expect(Self.kinds(frame(["b LOGIN \(literal) \(literal)\r\nb NOOP\r\n"])) == [.literalTooLarge, nil])
    }

    @Test func literalMinus() {
        var limits = IMAPLimits()
        limits.nonSynchronisingLiteralBytes = 4_096
        let message = String(repeating: "x", count: 5_000)
        #expect(
            Self.kinds(frame(["a APPEND INBOX {5000+}\r\n\(message)\r\nb NOOP\r\n"], limits: limits))
                == [.literalTooLarge, nil]
        )
        #expect(frame(["a APPEND INBOX {5000}\r\n\(message)\r\n"], limits: limits).last == .appendEnded)
    }

    @Test(arguments: [
        "a APPEND INBOX x {3+}\r\nabc\r\n", "a APPEND INBOX {3}\r\n", "a APPEND \"&x\" {3+}\r\nabc\r\n",
        "a APPEND INBOX {3+}\r\nabcx\r\n", "a APPEND INBOX {3+}\r\nabc x {3+}\r\nabc\r\n",
        "a APPEND INBOX UTF8 (~{3+}\r\nabc\r\n", "a APPEND INBOX (\\Recent) {3}\r\n",
    ])
    func malformedAppend(_ input: String) {
        let events = frame([input + "b NOOP\r\n"])
        let refused = events.compactMap { event in
            if case .refused(let error) = event { error.tag } else { nil }
        }
        // The well-formed synchronising one takes what follows as its message.
        guard input != "a APPEND INBOX {3}\r\n" else { return #expect(refused == ["a"]) }
        #expect(refused == ["a"])
        #expect(events.last == Self.noop)
    }

    @Test func garbageNeverTraps() {
        var random = SplitMix64(seed: 4)
        let words =
            CommandParserTests.session.map(\.0) + SearchCommandTests.keys.map { "SEARCH " + $0.0 }
            + FetchCommandTests.items.map { "FETCH 1 " + $0.0 } + ListCommandTests.samples.map(\.0)
            + CommandParserTests.mailboxes.map(\.0) + StoreCommandTests.samples.map(\.0)
            + ["APPEND INBOX (\\Seen) {5+}\r\nabcde", "APPEND {2+}\r\nab \" 1-Jan-2024 00:00:00 +0000\" ~{1+}\r\nx"]
        for _ in 0..<4_000 {
            var input: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                input += bytes("a " + words.randomElement(using: &random)! + "\r\n")
            }
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let position = Int.random(in: 0..<input.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: input[position] = UInt8.random(in: 0...255, using: &random)
                case 1: input.insert(bytes("(){}[]<>+\"\\ \r\n*%~\0").randomElement(using: &random)!, at: position)
                default: input.remove(at: position)
                }
                if input.isEmpty { input = [0] }
            }
            var framer = CommandFramer()
            for chunk in stride(from: 0, to: input.count, by: 37) {
                framer.append(ByteBuffer(bytes: input[chunk..<min(chunk + 37, input.count)]))
                _ = framer.drain()
            }
        }
    }

    @Test func randomBytesNeverTrap() {
        var random = SplitMix64(seed: 5)
        var framer = CommandFramer()
        for _ in 0..<2_000 {
            framer.append(ByteBuffer(bytes: (0..<100).map { _ in UInt8.random(in: 0...255, using: &random) }))
            for event in framer.drain() { if case .unrecoverable = event { framer = CommandFramer() } }
        }
    }

    /// Would take minutes if anything in it were quadratic.
    @Test func manySmallPartsAreLinear() {
        var framer = CommandFramer()
        for _ in 0..<65_000 {
            framer.append(ByteBuffer(bytes: [0x28]))
            #expect(framer.next() == nil)
        }
        framer.append(ByteBuffer(string: "\r\n" + String(repeating: "b NOOP\r\n", count: 20_000)))
        #expect(framer.drain().count == 20_001)
        let openers = ["(", "\"\\\"", "{", "1,", "SEARCH (", "BODY["]
        for opener in openers {
            _ = failure("a FETCH 1 (" + String(repeating: opener, count: 65_000 / opener.utf8.count))
            _ = failure("a SEARCH " + String(repeating: opener, count: 65_000 / opener.utf8.count))
        }
    }
}
