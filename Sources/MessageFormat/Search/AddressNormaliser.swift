/// Brings addresses that pass by into the form in which people look for them, `name <user@host>`, without the comments
/// and blanks that may stand within (RFC 5322, section 3.4).
struct AddressNormaliser {
    /// Of one address that are looked at; it is taken for one where it is longer.
    private static let addressBytes = 16 * 1_024

    private var nesting = FieldNesting()
    private var address: [UInt8] = []

    /// - Parameter take: Called with the text of each address that is complete, as UTF-8.
    mutating func append(_ bytes: ArraySlice<UInt8>, _ converters: inout Converters, take: ([UInt8]) -> Void) {
        for byte in bytes {
            if (nesting.isOutside(byte) && byte == UInt8(ascii: ",")) || address.count >= Self.addressBytes {
                finish(&converters, take: take)
            } else {
                address.append(byte)
            }
        }
    }

    mutating func finish(_ converters: inout Converters, take: ([UInt8]) -> Void) {
        for entry in AddressParser.parse(address) {
            guard case .mailbox(let name, _, let mailbox, let host) = entry else { continue }
            var text = name.map { HeaderText.decodedBytes($0, &converters) } ?? []
            text += Array(text.isEmpty ? "<".utf8 : " <".utf8) + mailbox + [UInt8(ascii: "@")] + host
            take(text + [UInt8(ascii: ">")])
        }
        address.removeAll(keepingCapacity: true)
        nesting = FieldNesting()
    }
}
