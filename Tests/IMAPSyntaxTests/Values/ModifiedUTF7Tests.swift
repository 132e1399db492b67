import Consensus
import Testing

@testable import IMAPSyntax

@Suite struct ModifiedUTF7Tests {
    static let samples: [(String, String)] = [
        ("", ""),
        ("INBOX/x", "INBOX/x"),
        ("A&-B", "A&B"),
        ("&-&-", "&&"),
        ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
        ("Entw&APw-rfe", "Entwürfe"),
        ("&2D3eAA-", "😀"),
        ("&AAk-", "\t"),
        ("&AOkA6Q-&-", "éé&"),
    ]

    @Test(arguments: samples)
    func bothWays(_ sample: (encoded: String, decoded: String)) throws {
        #expect(try ModifiedUTF7.decode(bytes(sample.encoded)) == sample.decoded)
        #expect(ModifiedUTF7.encode(sample.decoded) == bytes(sample.encoded))
    }

    static let refused: [(String, ModifiedUTF7.DecodingError)] = [
        ("a&", .unterminated),
        ("&AOk", .unterminated),
        ("R&D x-", .invalidBase64),
        ("&U/BTFw-", .invalidBase64),
        ("&AOl-", .invalidBase64),
        ("&AO-", .invalidBase64),
        ("&A-", .invalidBase64),
        ("&2D0-", .invalidUTF16),
        ("&AEE-", .superfluousShift),
        ("&AOk-&AOk-", .superfluousShift),
        ("é", .invalidByte),
        ("a\tb", .invalidByte),
    ]

    @Test(arguments: refused)
    func refuses(_ sample: (encoded: String, error: ModifiedUTF7.DecodingError)) {
        #expect(throws: sample.error) { try ModifiedUTF7.decode(bytes(sample.encoded)) }
    }

    @Test func roundTrips() throws {
        var random = SplitMix64(seed: 2)
        for _ in 0..<5_000 {
            var name = ""
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                let range: ClosedRange<UInt32> = Bool.random(using: &random) ? 0x20...0x7E : 1...0x1F_FFF
                if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) {
                    name.unicodeScalars.append(scalar)
                }
            }
            let encoded = ModifiedUTF7.encode(name)
            #expect(try Array(ModifiedUTF7.decode(encoded).utf8) == Array(name.utf8))
        }
    }

    @Test func whatDecodesEncodesToTheSame() {
        var random = SplitMix64(seed: 3)
        let letters = bytes("&-ABab,/+09 é")
        for _ in 0..<50_000 {
            let sample = (0..<Int.random(in: 0...10, using: &random)).map { _ in letters.randomElement(using: &random)!
            }
            if let decoded = try? ModifiedUTF7.decode(sample) { #expect(ModifiedUTF7.encode(decoded) == sample) }
        }
    }
}
