import MessageFormat
import NIOCore
import Testing

@Suite("Pieces") struct SplitTests {
    @Test("Where a message is split makes no difference", arguments: Samples.all)
    func split(sample: Sample) {
        let whole = summary(sample.message)
        for index in 0...sample.message.count {
            var parser = MessageParser()
            parser.append(ByteBuffer(bytes: sample.message[..<index]))
            parser.append(ByteBuffer(bytes: sample.message[index...]))
            #expect(parser.finish() == whole, "split at \(index)")
        }
        for pieces in [[1], [2], [3, 1], [7], [1, 64]] {
            #expect(summary(sample.message, pieces: pieces) == whole, "pieces of \(pieces)")
        }
    }

    @Test("The encoding gives the same summary back", arguments: Samples.all)
    func encoding(sample: Sample) throws {
        let whole = summary(sample.message)
        #expect(try MessageSummary(decoding: whole.encoded()) == whole)
        let moved = whole.prefixed(by: 1_000)
        #expect(try MessageSummary(decoding: moved.encoded()) == moved)
    }

    @Test("Responses can always be parsed", arguments: Samples.all)
    func responses(sample: Sample) {
        let whole = summary(sample.message)
        var buffer = ByteBuffer()
        whole.writeEnvelope(into: &buffer)
        #expect(ResponseReader.isOneList(buffer))
        for isExtended in [false, true] {
            buffer.clear()
            whole.writeBodyStructure(into: &buffer, isExtended: isExtended)
            #expect(ResponseReader.isOneList(buffer))
        }
    }

    @Test("Header lines put before a message move everything", arguments: Samples.all)
    func prefixed(sample: Sample) {
        let lines = crlf("X-Added: yes\nReceived: by us\n")
        let moved = summary(sample.message).prefixed(by: lines.count)
        if summary(sample.message).headerBytes > 0 { #expect(moved == summary(lines + sample.message)) }
        #expect(moved.sizeBytes == UInt64(lines.count + sample.message.count))
    }
}
