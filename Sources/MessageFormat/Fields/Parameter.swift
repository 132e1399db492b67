/// One `name=value` of a Content-Type or Content-Disposition field, as it is written there.
struct Parameter: Hashable, Sendable {
    var name: [UInt8]
    var value: [UInt8]

    /// All values as text: pieces joined, percent escapes and encoded-words decoded, whatever charset they name
    /// (RFC 2231; encoded-words in parameters are against RFC 2047, section 5, and usual).
    static func texts(of parameters: [Parameter], _ converters: inout Converters) -> [(name: [UInt8], text: [UInt8])] {
        var texts: [(name: [UInt8], text: [UInt8])] = []
        var extended: [[UInt8]: [Piece]] = [:]
        for parameter in parameters {
            let name = ASCII.lowercased(parameter.name)
            if let star = name.firstIndex(of: UInt8(ascii: "*")) {
                guard let piece = Piece(suffix: name[(star + 1)...], parameter.value) else { continue }
                extended[Array(name[..<star]), default: []].append(piece)
            } else {
                texts.append((name, HeaderText.decodedBytes(parameter.value, &converters)))
            }
        }
        for (name, pieces) in extended.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            var charset = Charset.utf8
            var text: [UInt8] = []
            for piece in pieces.sorted(by: { $0.number < $1.number }) {
                if piece.number == 0, let label = piece.charset { charset = Charset(name: label) }
                converters.decode(piece.bytes[...], of: charset, into: &text)
            }
            converters.finish(charset, into: &text)
            texts.append((name, text))
        }
        return texts
    }

    static func value(_ name: StaticString, in parameters: [Parameter]) -> [UInt8]? {
        for parameter in parameters where ASCII.equal(parameter.name, name) { return parameter.value }
        return extendedValue(name, in: parameters)
    }

    /// Joins the pieces `name*`, `name*0`, `name*1*` and decodes their percent escapes (RFC 2231, sections 3 and 4);
    /// the charset it names is not looked at.
    private static func extendedValue(_ name: StaticString, in parameters: [Parameter]) -> [UInt8]? {
        var pieces: [Piece] = []
        for parameter in parameters where parameter.name.count > name.utf8CodeUnitCount {
            let length = name.utf8CodeUnitCount
            guard parameter.name[length] == UInt8(ascii: "*"), ASCII.equal(parameter.name[..<length], name) else {
                continue
            }
            if let piece = Piece(suffix: parameter.name[(length + 1)...], parameter.value) { pieces.append(piece) }
        }
        guard !pieces.isEmpty else { return nil }
        return pieces.sorted { $0.number < $1.number }.flatMap(\.bytes)
    }

    /// One of `name*`, `name*0`, `name*1*` (RFC 2231, sections 3 and 4).
    private struct Piece {
        let number: Int
        var bytes: [UInt8]
        var charset: ArraySlice<UInt8>?

        /// - Parameter suffix: What follows the name and its asterisk.
        init?(suffix: ArraySlice<UInt8>, _ value: [UInt8]) {
            var suffix = suffix
            let isEncoded = suffix.isEmpty || suffix.last == UInt8(ascii: "*")
            if suffix.last == UInt8(ascii: "*") { suffix.removeLast() }
            guard suffix.count <= 3, suffix.allSatisfy(ASCII.isDigit) else { return nil }
            number = suffix.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            bytes = value
            guard isEncoded else { return }
            var rest = value[...]
            if number == 0, let one = rest.firstIndex(of: UInt8(ascii: "'")),
                let two = rest[(one + 1)...].firstIndex(of: UInt8(ascii: "'"))
            {
                charset = rest[..<one]
                rest = rest[(two + 1)...]
            }
            bytes = Parameter.decoded(rest)
        }
    }

    private static func decoded(_ value: ArraySlice<UInt8>) -> [UInt8] {
        var rest = value
        var text: [UInt8] = []
        text.reserveCapacity(rest.count)
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let high = ASCII.hexValue(rest[rest.startIndex]),
                let low = ASCII.hexValue(rest[rest.startIndex + 1])
            {
                text.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                text.append(byte)
            }
        }
        return text
    }
}
