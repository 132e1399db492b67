import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// Messages that are large, or of which the stored summary does not say all: they are read in pieces, and others get
/// their turns.
@Suite struct FetchPiecesTests {
    private static let uid: UInt32 = 3
    private static let bodyID = BodyID(high: 5, low: 5)

    /// With one message of so many bytes, of which the header is the first hundred.
    private static func session(_ sizeBytes: Int, _ tools: CutTools = CutTools()) -> SessionUnderTest {
        var test = SessionUnderTest(tools: tools)
        var record = Fixture.record
        record.messages = 1
        let replies: [StoreReply] = [
            .answer(.mailbox(record)), .answer(.messages(record, [Fixture.state(uid, .seen)])),
        ]
        #expect(test.exchange("S SELECT INBOX", replies).last == "S OK [READ-WRITE]")
        test.calls = []
        test.turns = 0
        test.largestWrite = 0
        return test
    }

    private static func byte(_ offset: Int) -> UInt8 { UInt8(ascii: "a") + UInt8(offset % 26) }

    private static func text(_ range: Range<Int>) -> String { String(decoding: range.map(byte), as: UTF8.self) }

    /// Answers until the command is over, with a store that gives less than it is asked for, now and then.
    private static func answer(_ test: inout SessionUnderTest, _ line: String, _ size: Int, step: Int = .max) -> String
    {
        var text = test.send("a \(line)")
        while case .answer = test.session.awaited, case .query(let query, _)? = test.calls.last {
            switch query {
            case .details:
                let known = Fixture.messages[0].details
                let details = MessageDetails(
                    uid: UID(uid),
                    bodyID: bodyID,
                    sizeBytes: UInt64(size),
                    internalDate: known.internalDate,
                    saved: known.saved,
                    summary: ByteBuffer(string: "100 \(size) -")
                )
                text += test.give(.answer(.details([details])))
            case .body(bodyID, let offset, let maximum):
                let end = min(size, Int(offset) + min(maximum, step))
                text += test.give(.answer(.body(ByteBuffer(bytes: (Int(offset)..<end).map(byte)))))
            default:
                Issue.record("an unexpected query")
                return text
            }
        }
        return text
    }

    private static func bodyQueries(_ test: SessionUnderTest) -> [Int] {
        test.storeCalls.compactMap { if case .query(.body(_, _, let maximum)) = $0 { maximum } else { nil } }
    }

    // MARK: Bodies

    @Test(arguments: [
        ("BODY.PEEK[]", 0..<700_000, Int.max), ("BODY.PEEK[]", 0..<700_000, 100_000), ("RFC822.HEADER", 0..<100, .max),
        ("BODY.PEEK[TEXT]", 100..<700_000, .max), ("BODY.PEEK[]<300000.200000>", 300_000..<500_000, .max),
        ("BODY.PEEK[1]<0.300000>", 100..<300_100, 7_777), ("BODY.PEEK[]<699999.50>", 699_999..<700_000, .max),
    ])
    func `a body comes in pieces, and is whole`(_ item: String, _ range: Range<Int>, _ step: Int) throws {
        var test = Self.session(700_000)
        let told = Self.answer(&test, "FETCH 1 \(item)", 700_000, step: step)
        let expected = Self.text(range)
        #expect(told.hasSuffix(" {\(range.count)}\r\n\(expected))\r\na OK Fetched\r\n"))
        let queries = Self.bodyQueries(test)
        #expect(queries.allSatisfy { $0 <= SessionLimits.bodyPieceBytes })
        #expect(queries.count >= range.count / min(step, SessionLimits.bodyPieceBytes))
        // No piece is gathered with the next one: memory does not grow with the message.
        #expect(test.largestWrite <= SessionLimits.bodyPieceBytes + SessionLimits.writeBytes)
        #expect(test.turns >= queries.count - 1)
    }

    @Test func `several items of one message are told in order`() {
        var test = Self.session(50_000)
        let told = Self.answer(&test, "FETCH 1 (BODY.PEEK[]<0.5> RFC822.SIZE BODY.PEEK[TEXT]<0.3> UID)", 50_000)
        #expect(
            told == "* 1 FETCH (BODY[]<0> {5}\r\nabcde RFC822.SIZE 50000 BODY[TEXT]<0> {3}\r\n\(Self.text(100..<103)) "
                + "UID 3)\r\na OK Fetched\r\n"
        )
    }

    /// The header is read once, however many sections are cut out of it.
    @Test func `sections of the header share one reading of it`() {
        var test = Self.session(5_000)
        let items = "BODY.PEEK[HEADER.FIELDS (A)] BODY.PEEK[HEADER.FIELDS (B)] BODY.PEEK[HEADER.FIELDS.NOT (C)]"
        let told = Self.answer(&test, "FETCH 1 (\(items))", 5_000)
        #expect(told.hasSuffix(")\r\na OK Fetched\r\n") && told.contains("BODY[HEADER.FIELDS.NOT (C)] {"))
        #expect(Self.bodyQueries(test) == [100])
    }

    // MARK: What the summary does not say

    @Test func `a whole summary is told without reading the message`() {
        var test = Self.session(5_000)
        let told = Self.answer(&test, "FETCH 1 (ENVELOPE BODY BODYSTRUCTURE)", 5_000)
        #expect(
            told == "* 1 FETCH (ENVELOPE (\"stored\") BODY (\"stored body\") BODYSTRUCTURE (\"stored structure\"))\r\n"
                + "a OK Fetched\r\n"
        )
        #expect(Self.bodyQueries(test).isEmpty)
    }

    /// The header is enough for the envelope; the structure needs all of the message. What was read once is kept.
    @Test func `what was cut off is worked out from the message`() {
        let size = 600_000
        var envelope = Self.session(size, CutTools(isEnvelopeWhole: false, isStructureWhole: false))
        #expect(
            Self.answer(&envelope, "FETCH 1 ENVELOPE", size)
                == "* 1 FETCH (ENVELOPE (read 100 piece piece))\r\na OK Fetched\r\n"
        )
        #expect(Self.bodyQueries(envelope) == [100])
        var structure = Self.session(size, CutTools(isEnvelopeWhole: false, isStructureWhole: false))
        #expect(
            Self.answer(&structure, "FETCH 1 (BODYSTRUCTURE BODY ENVELOPE RFC822.SIZE)", size)
                == "* 1 FETCH (BODYSTRUCTURE (read \(size) piece piece) BODY (read \(size) piece piece) "
                + "ENVELOPE (read \(size) piece piece) RFC822.SIZE \(size))\r\na OK Fetched\r\n"
        )
        #expect(Self.bodyQueries(structure).count == 3, "the message is read once")
        #expect(structure.turns > 6)
    }

    @Test func `a summary that cannot be read is worked out from the message`() {
        var test = Self.session(2_000, CutTools(isReadable: false))
        #expect(
            Self.answer(&test, "FETCH 1 (ENVELOPE BODY.PEEK[TEXT]<0.2>)", 2_000)
                == "* 1 FETCH (ENVELOPE (read 2000 piece piece) BODY[TEXT]<0> {2}\r\n\(Self.text(50..<52)))\r\n"
                + "a OK Fetched\r\n"
        )
    }

    /// Before a literal was announced the response can be ended, and the session goes on.
    @Test(arguments: ["ENVELOPE", "BODYSTRUCTURE", "BODY"])
    func `a message that cannot be read for its outline`(_ item: String) {
        var test = Self.session(2_000, CutTools(isEnvelopeWhole: false, isStructureWhole: false))
        _ = test.send("a FETCH 1 \(item)")
        let details = MessageDetails(
            uid: UID(Self.uid),
            bodyID: Self.bodyID,
            sizeBytes: 2_000,
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            saved: Timestamp(milliseconds: 0),
            summary: ByteBuffer(string: "100 2000 -")
        )
        let told = test.give(.answer(.details([details]))) + test.give(.failure(.unavailable))
        #expect(SessionUnderTest.lines(told) == ["* 1 FETCH (UID 3)", "a NO [UNAVAILABLE]"])
        #expect(!test.isClosed && test.hasMailbox)
    }

    // MARK: Many messages

    /// Rows are asked for in pages, small ones first, and never more bytes of summaries than a page may have.
    @Test(arguments: [(10, [100, 500, 400]), (100_000, [100] + [Int](repeating: 10, count: 90))])
    func `rows come in pages`(_ summaryBytes: Int, _ pages: [Int]) {
        let count: UInt32 = 1_000
        var record = Fixture.record
        record.uidNext = UID(count + 1)
        record.recentFrom = record.uidNext
        var test = SessionUnderTest(tools: CutTools())
        let states = (1...count).map { Fixture.state($0, .seen) }
        _ = test.exchange("S SELECT INBOX", [.answer(.mailbox(record)), .answer(.messages(record, states))])
        test.calls = []
        let summary = ByteBuffer(repeating: UInt8(ascii: "0"), count: summaryBytes)
        var lines = 0
        var text = test.send("a FETCH 1:* RFC822.SIZE")
        while case .answer = test.session.awaited, case .query(.details(_, let uids, _), _)? = test.calls.last {
            let rows = uids.uids.map {
                MessageDetails(
                    uid: $0,
                    bodyID: Self.bodyID,
                    sizeBytes: 1,
                    internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
                    saved: Timestamp(milliseconds: 0),
                    summary: summary
                )
            }
            text += test.give(.answer(.details(Array(rows))))
            lines += rows.count
        }
        #expect(text.split(separator: "\r\n").count == Int(count) + 1 && text.hasSuffix("a OK Fetched\r\n"))
        let asked = test.storeCalls.map { if case .query(.details(_, let uids, _)) = $0 { uids.count } else { 0 } }
        #expect(asked == pages)
    }
}

/// Tools whose outlines may be cut off, and are then read from the message.
private struct CutTools: MessageTools {
    var isReadable = true
    var isEnvelopeWhole = true
    var isStructureWhole = true

    struct Outline: MessageOutline {
        /// What is told of the message: that it was stored, or how much of it was read.
        let source: String
        let headerBytes: UInt64
        let sizeBytes: UInt64
        let isEnvelopeWhole: Bool
        let isStructureWhole: Bool
        var sentDay: Int? { nil }

        func writeEnvelope(into buffer: inout ByteBuffer) { buffer.writeString("(\"\(source)\")") }
        func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
            buffer.writeString("(\"\(source) \(isExtended ? "structure" : "body")\")")
        }
        func makeEnvelopeWriter() -> any ResponseWriting { Writer(source: source) }
        func makeBodyStructureWriter(isExtended: Bool) -> any ResponseWriting { Writer(source: source) }
        func part(_ path: [Int]) -> OutlinePart? {
            path == [1] ? OutlinePart(mime: 0..<headerBytes, body: headerBytes..<sizeBytes, message: nil) : nil
        }
    }

    struct Writer: ResponseWriting {
        let source: String
        private var pieces = 0
        init(source: String) { self.source = source }
        mutating func writeNext(into buffer: inout ByteBuffer) -> Bool {
            pieces += 1
            buffer.writeString(pieces == 1 ? "(\(source)" : pieces < 4 ? " piece" : ")")
            return pieces == 4
        }
    }

    struct Reader: OutlineReading {
        private var count = 0
        mutating func append(_ bytes: ByteBuffer) { count += bytes.readableBytes }
        mutating func finish() -> any MessageOutline {
            Outline(
                source: "read \(count)",
                headerBytes: 50,
                sizeBytes: UInt64(count),
                isEnvelopeWhole: true,
                isStructureWhole: true
            )
        }
    }

    func summary(_ encoded: ByteBuffer, needsStructure: Bool) -> (any MessageOutline)? {
        let words = String(buffer: encoded).split(separator: " ")
        guard isReadable, words.count == 3, let header = UInt64(words[0]), let size = UInt64(words[1]) else {
            return nil
        }
        return Outline(
            source: "stored",
            headerBytes: header,
            sizeBytes: size,
            isEnvelopeWhole: isEnvelopeWhole,
            isStructureWhole: isStructureWhole
        )
    }

    func makeReader() -> any OutlineReading { Reader() }
    func makeParser() -> any MessageParsing { FakeTools.Parser() }
    func makeFilter(names: [String], not: Bool) -> any HeaderFiltering { WholeHeader() }
    func makeSearcher(_ terms: [SearchTerm]) -> any MessageSearching { FakeTools.Searcher(terms: terms) }
    func utf8(_ text: [UInt8], charset: String) -> [UInt8]? { nil }
}
