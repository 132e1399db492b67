import Consensus
import MessageFormat
import NIOCore
import Testing

@Suite("Garbage") struct GarbageTests {
    /// Pieces that mean something to the parser, so that random messages reach deep into it.
    private static let words: [[UInt8]] =
        [
            "Content-Type: ", "multipart/mixed; boundary=b", "multipart/digest; boundary=\"b c\"", "message/rfc822",
            "text/plain",
            "\r\n", "\n", "\r\n\r\n", "--b", "--b c", "--", "--b--", "From: ", "To: ", "Subject: ", "Date: ", "a@b",
            "<", ">",
            ",", ";", ":", "(", ")", "\"", "\\", "@", "=?utf-8?q?", "?=", "=?utf-8?b?", " ", "\t", "\r", "x", "=",
            "*0*=",
            "Content-Disposition: attachment; filename=", "Content-Language: ", "Content-Transfer-Encoding: base64",
            "2006",
            "Jan", "15:04", "-0700", "/",
        ].map { Array($0.utf8) } + [[0], [0xff], [0xc3, 0xa9]]

    private static func message(_ generator: inout SplitMix64) -> [UInt8] {
        var message: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<120, using: &generator) {
            message += words[Int.random(in: 0..<words.count, using: &generator)]
        }
        return message
    }

    @Test("No message is too odd", arguments: 0..<20)
    func messages(seed: Int) throws {
        var generator = SplitMix64(seed: UInt64(seed))
        for _ in 0..<100 {
            let message = Self.message(&generator)
            let whole = summary(message)
            #expect(summary(message, pieces: [1, 3, 7]) == whole)
            #expect(try MessageSummary(decoding: whole.encoded()) == whole)
            #expect(whole.sizeBytes == UInt64(message.count))
            checkResponses(whole)
            checkRanges(whole)
            _ = HeaderText.decode(message)
            _ = HeaderFields.filter(ByteBuffer(bytes: message), names: ["to"], not: true)
        }
    }

    private func checkResponses(_ whole: MessageSummary) {
        var buffer = ByteBuffer()
        whole.writeEnvelope(into: &buffer)
        #expect(ResponseReader.isOneList(buffer))
        buffer.clear()
        whole.writeBodyStructure(into: &buffer, isExtended: true)
        #expect(ResponseReader.isOneList(buffer))
    }

    private func checkRanges(_ whole: MessageSummary) {
        for part in whole.parts {
            #expect(part.mimeRange.upperBound <= part.bodyRange.lowerBound)
            #expect(part.bodyRange.upperBound <= whole.sizeBytes)
            #expect(whole.part(part.path) == part)
            if let message = part.message {
                #expect(message.headerRange.lowerBound == part.bodyRange.lowerBound)
                #expect(message.headerRange.upperBound == message.textRange.lowerBound)
                #expect(message.textRange.upperBound == part.bodyRange.upperBound)
            }
        }
    }

    @Test("No bytes are too odd for the decoder", arguments: 0..<10)
    func encodings(seed: Int) throws {
        var generator = SplitMix64(seed: UInt64(seed) + 1_000)
        for sample in Samples.all {
            let encoded = Array(summary(sample.message).encoded().readableBytesView)
            for _ in 0..<50 {
                var changed = encoded
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    changed[Int.random(in: 0..<changed.count, using: &generator)] = UInt8.random(
                        in: 0...255,
                        using: &generator
                    )
                }
                if let front = try? StoredSummary(ByteBuffer(bytes: changed)) {
                    var buffer = ByteBuffer()
                    front.writeEnvelope(into: &buffer)
                    #expect(ResponseReader.isOneList(buffer))
                    _ = front.sentDay
                }
                guard let whole = try? MessageSummary(decoding: ByteBuffer(bytes: changed)) else { continue }
                checkResponses(whole)
                checkRanges(whole)
                _ = whole.sentDate
                _ = whole.encoded()
            }
        }
    }

    @Test("What is cut short, or goes on, is refused", arguments: Samples.all)
    func truncated(sample: Sample) {
        var encoded = summary(sample.message).encoded()
        for length in 0..<encoded.readableBytes {
            let start = encoded.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(throws: MessageFormatError.self) { try MessageSummary(decoding: start) }
        }
        encoded.writeInteger(UInt8(0))
        #expect(throws: MessageFormatError(.trailingBytes, offset: encoded.readableBytes - 1)) {
            try MessageSummary(decoding: encoded)
        }
    }

    @Test("A search finds the same in pieces of any length", arguments: 0..<10)
    func searches(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed) + 2_000)
        let terms: [SearchTerm] = ["x", "b", "jan", "é", "a@b", "x\""].map { .text(Array($0.utf8)) }
        for _ in 0..<50 {
            let message = Self.message(&generator)
            for hasSummary in [true, false] {
                let found = [1, 5, 1_000].map { search(message, terms, piece: $0, hasSummary: hasSummary) }
                #expect(Set(found).count == 1)
            }
        }
    }

    @Test("Fields made to be slow are not")
    func slow() {
        for text in ["<@", "\"\\", "((", "=?a?q?", "a:", "<a", ";;x=", "--", ",,"] {
            let value = String(repeating: text, count: 20_000)
            let header = "To: \(value)\nContent-Type: text/plain; \(value)\nSubject: \(value)\nDate: \(value)\n\n"
            let whole = summary(header)
            checkResponses(whole)
            _ = whole.sentDay
            _ = HeaderText.decode(value.utf8)
        }
    }

    @Test("Another version is refused", arguments: [0, 1, 2, 4, 255])
    func version(number: UInt8) {
        #expect(throws: MessageFormatError(.unknownVersion(number), offset: 1)) {
            try MessageSummary(decoding: ByteBuffer(bytes: [number, 0, 0]))
        }
    }
}
