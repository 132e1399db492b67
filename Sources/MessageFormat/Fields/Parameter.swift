/// One `name=value` of a Content-Type or Content-Disposition field, as it is written there.
struct Parameter: Hashable, Sendable {
    var name: [UInt8]
    var value: [UInt8]

    static func value(_ name: StaticString, in parameters: [Parameter]) -> [UInt8]? {
        for parameter in parameters where ASCII.equal(parameter.name, name) { return parameter.value }
        return extendedValue(name, in: parameters)
    }

    /// Joins the pieces `name*`, `name*0`, `name*1*` and decodes their percent escapes (RFC 2231, sections 3 and 4);
    /// the charset it names is not looked at.
    private static func extendedValue(_ name: StaticString, in parameters: [Parameter]) -> [UInt8]? {
        var pieces: [(number: Int, value: [UInt8])] = []
        for parameter in parameters where parameter.name.count > name.utf8CodeUnitCount {
            let length = name.utf8CodeUnitCount
            guard parameter.name[length] == UInt8(ascii: "*"), ASCII.equal(parameter.name[..<length], name) else {
                continue
            }
            var suffix = parameter.name[(length + 1)...]
            let isEncoded = suffix.isEmpty || suffix.last == UInt8(ascii: "*")
            if suffix.last == UInt8(ascii: "*") { suffix.removeLast() }
            guard suffix.count <= 3, suffix.allSatisfy(ASCII.isDigit) else { continue }
            let number = suffix.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            pieces.append((number, isEncoded ? decoded(parameter.value, isFirst: number == 0) : parameter.value))
        }
        guard !pieces.isEmpty else { return nil }
        return pieces.sorted { $0.number < $1.number }.flatMap(\.value)
    }

    private static func decoded(_ value: [UInt8], isFirst: Bool) -> [UInt8] {
        var rest = value[...]
        if isFirst, let one = rest.firstIndex(of: UInt8(ascii: "'")),
            let two = rest[(one + 1)...].firstIndex(of: UInt8(ascii: "'"))
        {
            rest = rest[(two + 1)...]
        }
        var text: [UInt8] = []
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
