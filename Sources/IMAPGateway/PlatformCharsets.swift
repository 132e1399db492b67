internal import CharsetConversion
internal import MessageFormat

/// Puts the platform's charsets behind what MessageFormat asks for. What is found by them is told to one client, and
/// never replicated: nodes may know different ones.
struct PlatformCharsets: CharsetSource {
    private final class Converter: TextConverter {
        private let converter: CharsetConverter

        init(_ converter: CharsetConverter) { self.converter = converter }

        func convert(_ bytes: ArraySlice<UInt8>, into text: inout [UInt8]) { converter.convert(bytes, into: &text) }
        func finish(into text: inout [UInt8]) { converter.finish(into: &text) }
    }

    func makeConverter(_ label: [UInt8]) -> (any TextConverter)? { CharsetConverter(label: label).map(Converter.init) }
}
