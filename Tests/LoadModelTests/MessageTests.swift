import Consensus
import LoadModel
import Testing

@Suite("Sizes of messages") struct SizeDistributionTests {
    @Test("Sizes like those of mail have a median of 20 KB, one in a hundred is above 1 MB, none above 25")
    func mail() {
        var random = SplitMix64(seed: 1)
        let sizes = (0..<100_000).map { _ in SizeDistribution.mail.draw(&random) }.sorted()
        #expect(abs(sizes[50_000] - 20_480) < 800, "\(sizes[50_000])")
        let large = sizes.count { $0 > 1_048_576 }
        #expect((850...1_150).contains(large), "\(large)")
        #expect(sizes[0] >= SizeDistribution.minimumBytes && sizes[99_999] <= SizeDistribution.maximumBytes)
    }

    @Test("The same seed draws the same sizes")
    func seeds() {
        func draw(_ seed: UInt64) -> [Int] {
            var random = SplitMix64(seed: seed)
            return (0..<20).map { _ in SizeDistribution.mail.draw(&random) }
        }
        #expect(draw(7) == draw(7))
        #expect(draw(7) != draw(8))
    }

    @Test(arguments: [
        ("mail", SizeDistribution.mail), ("10240", .fixed(10_240)), ("199", nil), ("x", nil), ("", nil), ("-1", nil),
        ("26214400", .fixed(26_214_400)), ("26214401", nil),
    ])
    func options(_ text: String, _ expected: SizeDistribution?) {
        #expect(SizeDistribution(text) == expected)
    }
}

@Suite("Messages") struct MessageSourceTests {
    @Test(
        "A message is as long as it was to be, but for a line",
        arguments: [400, 1_000, 8_191, 8_192, 10_240, 3 << 20]
    )
    func length(_ bytes: Int) {
        let source = MessageSource(seed: 1, run: 9, sizes: .fixed(bytes))
        for number in 0..<20 {
            let message = source.message(number)
            #expect((bytes - 90...bytes).contains(message.count), "\(message.count)")
        }
    }

    @Test("Messages are lines of at most 998 bytes, ended by CRLF, none of which begins with a dot")
    func lines() {
        let source = MessageSource(seed: 3, run: 9, sizes: .mail)
        for number in 0..<50 {
            let message = source.message(number)
            #expect(message.suffix(2) == [13, 10])
            for line in message.split(separator: 10, omittingEmptySubsequences: false).dropLast() {
                #expect(line.last == 13)
                #expect(!line.dropLast().contains(13) && line.count < 999 && line.first != UInt8(ascii: "."))
            }
        }
    }

    @Test("The same seed gives the same messages, and each number one of its own")
    func seeds() {
        let source = MessageSource(seed: 5, run: 9, sizes: .fixed(2_000))
        let again = MessageSource(seed: 5, run: 9, sizes: .fixed(2_000))
        #expect((0..<50).allSatisfy { source.message($0) == again.message($0) })
        #expect(Set((0..<500).map { source.message($0) }).count == 500)
        #expect(MessageSource(seed: 6, run: 9, sizes: .fixed(2_000)).message(0) != source.message(0))
        #expect(MessageSource(seed: 5, run: 8, sizes: .fixed(2_000)).message(0) != source.message(0))
    }

    @Test("A large message has the headers of mail, a text and an attachment")
    func parts() {
        let text = String(decoding: MessageSource(seed: 1, run: 9, sizes: .fixed(20_000)).message(4), as: UTF8.self)
        for header in [
            "Received: ", "DKIM-Signature: ", "From: ", "To: ", "Subject: ", "Date: ", "Message-ID: ", "MIME-Version: ",
            "Content-Type: text/plain", "Content-Transfer-Encoding: base64",
        ] {
            #expect(text.contains(header), "\(header)")
        }
        #expect(text.contains("Date: Sun, 01 Nov 2026 00:00:04 +0100"))
    }
}

@Suite("Mixed work") struct MixedStepTests {
    @Test("The weights are percent, and steps are drawn by them")
    func weights() {
        #expect(MixedStep.allCases.reduce(0) { $0 + $1.weight } == 100)
        var random = SplitMix64(seed: 2)
        var counts: [MixedStep: Int] = [:]
        for _ in 0..<100_000 { counts[MixedStep.draw(&random), default: 0] += 1 }
        for step in MixedStep.allCases {
            #expect(abs(counts[step, default: 0] - step.weight * 1_000) < 700, "\(step)")
        }
    }
}
