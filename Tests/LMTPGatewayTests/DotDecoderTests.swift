import Consensus
import NIOCore
import Testing

@testable import LMTPGateway

struct Decoded: Equatable {
    var text: String
    /// What is left behind the end; nil while there is no end.
    var rest: String?
}

/// Decodes pieces as they would come from a socket.
private func decode(_ pieces: [Substring]) -> Decoded {
    var decoder = DotDecoder()
    var output = ByteBuffer()
    for (number, piece) in pieces.enumerated() {
        var input = ByteBuffer(substring: piece)
        if decoder.decode(&input, into: &output) {
            return Decoded(text: String(buffer: output), rest: String(buffer: input) + pieces[(number + 1)...].joined())
        }
        #expect(input.readableBytes == 0)
    }
    return Decoded(text: String(buffer: output), rest: nil)
}

/// RFC 5321, section 4.5.2, word by word: lines end with CRLF and nothing else.
private func model(_ text: String) -> Decoded {
    var bytes = Array(text.utf8)[...]
    var output: [UInt8] = []
    while !bytes.isEmpty {
        if bytes.starts(with: [46, 13, 10]) {
            return Decoded(
                text: String(decoding: output, as: UTF8.self),
                rest: String(decoding: bytes.dropFirst(3), as: UTF8.self)
            )
        }
        // A lone dot and CR may still become the end.
        if bytes.elementsEqual([46]) || bytes.elementsEqual([46, 13]) { break }
        if bytes.first == 46 { bytes.removeFirst() }
        var line: [UInt8] = []
        while let byte = bytes.popFirst() {
            line.append(byte)
            if line.suffix(2) == [13, 10] { break }
        }
        output += line
    }
    return Decoded(text: String(decoding: output, as: UTF8.self), rest: nil)
}

@Suite struct DotDecoderTests {
    @Test(arguments: [
        (".\r\n", "", ""), ("a\r\n.\r\n", "a\r\n", ""), ("a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n"),
        ("..\r\n.\r\n", ".\r\n", ""), (".a\r\n.\r\n", "a\r\n", ""), ("a.\r\n.\r\n", "a.\r\n", ""),
        ("...a\r\n\r\n.\r\n.\r\n", "..a\r\n\r\n", ".\r\n"), (".\r.\r\n.\r\n", "\r.\r\n", ""),
        (".\r\r\n.\r\n", "\r\r\n", ""), ("a\r\r\n.\r\n", "a\r\r\n", ""),
    ])
    func ends(_ text: String, _ message: String, _ rest: String) {
        #expect(decode([text[...]]) == Decoded(text: message, rest: rest))
        #expect(model(text) == Decoded(text: message, rest: rest))
        for index in text.utf8.indices {
            #expect(decode([text[..<index], text[index...]]) == Decoded(text: message, rest: rest))
        }
        #expect(
            decode(text.utf8.indices.map { text[$0..<text.utf8.index(after: $0)] })
                == Decoded(text: message, rest: rest)
        )
    }

    /// SMTP smuggling: an end that only some servers see lets a message hide another behind itself.
    @Test(arguments: [
        "\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n\n.\r\n", "\r\r.\r\n", "\r\n\u{0}.\r\n",
        "\r\n .\r\n",
    ])
    func neverEnds(_ end: String) {
        let text = "Subject: x\r\n\r\nbody\(end)MAIL FROM:<evil@example.org>\r\n"
        #expect(decode([text[...]]).rest == nil)
        #expect(decode(text.utf8.indices.map { text[$0..<text.utf8.index(after: $0)] }).rest == nil)
        let whole = text + ".\r\n"
        #expect(decode([whole[...]]).rest == "")
        #expect(decode([whole[...]]) == model(whole))
    }

    /// Random texts of the bytes that matter, in random pieces.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func againstTheModel(_ seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        for _ in 0..<20 {
            let count = Int.random(in: 0...40, using: &generator)
            let text = String(
                decoding: (0..<count).map { _ in [46, 13, 10, 97, 13, 10].randomElement(using: &generator) ?? 97 },
                as: UTF8.self
            )
            var pieces: [Substring] = []
            var rest = text.utf8[...]
            while !rest.isEmpty {
                let length = Int.random(in: 1...5, using: &generator)
                pieces.append(Substring(rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
            #expect(decode(pieces) == model(text), "\(text.debugDescription)")
        }
    }

    @Test func theNextMessageStartsAfresh() {
        var decoder = DotDecoder()
        var output = ByteBuffer()
        var input = ByteBuffer(string: "a\r\n.\r\n.\r\n")
        #expect(decoder.decode(&input, into: &output))
        #expect(decoder.decode(&input, into: &output))
        #expect(input.readableBytes == 0 && String(buffer: output) == "a\r\n")
    }
}
