import MessageFormat
import NIOCore
import Testing

/// The front of an encoded summary, which is read without the rest.
@Suite("Stored summaries") struct StoredSummaryTests {
    private func front(_ bytes: ByteBuffer) throws(MessageFormatError) -> StoredSummary { try StoredSummary(bytes) }

    @Test("The front tells what the whole does", arguments: Samples.all)
    func sameAsWhole(sample: Sample) throws {
        let whole = summary(sample.message)
        let front = try front(whole.encoded())
        #expect(front.sizeBytes == whole.sizeBytes && front.headerBytes == whole.headerBytes)
        #expect(front.isEnvelopeWhole == whole.isEnvelopeWhole && front.isStructureWhole == whole.isStructureWhole)
        #expect(front.sentDay == whole.sentDay)
        var told = ByteBuffer()
        front.writeEnvelope(into: &told)
        #expect(String(buffer: told) == envelope(whole))
        #expect(try front.whole() == whole)
        let moved = whole.prefixed(by: 500)
        #expect(try self.front(moved.encoded()).headerBytes == moved.headerBytes)
    }

    @Test("What is cut is told apart")
    func cut() throws {
        let long = String(repeating: "a b, ", count: 5_000)
        for (header, isEnvelopeWhole, isStructureWhole) in [
            ("To: \(long)\n", false, true), ("Content-Language: \(long)\n", true, false), ("To: a@b\n", true, true),
        ] {
            let front = try front(summary("\(header)\nbody\n").encoded())
            #expect(front.isEnvelopeWhole == isEnvelopeWhole && front.isStructureWhole == isStructureWhole)
        }
    }

    @Test("Nothing behind the envelope is looked at, and nothing before it may be missing", arguments: Samples.all)
    func truncated(sample: Sample) throws {
        let whole = summary(sample.message)
        let encoded = whole.encoded()
        var isReadable = false
        for length in 0..<encoded.readableBytes {
            let start = encoded.getSlice(at: encoded.readerIndex, length: length) ?? ByteBuffer()
            guard let front = try? front(start) else {
                #expect(!isReadable)
                continue
            }
            isReadable = true
            #expect(front.headerBytes == whole.headerBytes && front.sentDay == whole.sentDay)
            #expect(throws: MessageFormatError.self) { try front.whole() }
        }
        #expect(isReadable)
    }
}
