import Consensus
import MessageFormat
import NIOCore
import Testing

/// Random headers against what the sequence of fields says.
@Suite struct HeaderFilterTests {
    private static func reference(_ header: ByteBuffer, _ names: [String], not: Bool) -> ByteBuffer {
        let wanted = Set(names.map { $0.lowercased() })
        var result = ByteBuffer()
        for field in HeaderFieldSequence(header)
        where wanted.contains(String(buffer: field.name).lowercased()) != not {
            result.writeImmutableBuffer(field.lines)
            if field.lines.readableBytesView.last != 10 { result.writeString("\r\n") }
        }
        result.writeString("\r\n")
        return result
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `what is left of a header is what its fields are`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "To", "to ", "TO", "Cc", "x", "From", ":", ":", ": a b", "\r\n", "\n", "\r\n ", "\n\t", "\r", " ",
            "subject\t:",
            "\r\r\n", "value, with: colon",
        ]
        let many = (0..<20).map { "N\($0 % 10)\($0 / 10)" }
        for _ in 0..<400 {
            let text = (0..<random.below(24)).map { _ in pieces[random.below(pieces.count)] }.joined()
            let header = ByteBuffer(string: text)
            for names in [["to"], ["CC", "subject", "From"], many + ["x", "to"], []] as [[String]] {
                for not in [false, true] {
                    let filtered = HeaderFields.filter(header, names: names, not: not)
                    #expect(filtered == Self.reference(header, names, not: not), "\(text.debugDescription) \(names)")
                }
            }
        }
    }
}
