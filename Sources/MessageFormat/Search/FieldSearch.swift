/// One header field on its way through a search: its text, and what else its value says.
struct FieldSearch {
    /// Of the value of a field with parameters that are looked at for them.
    private static let parameterBytes = 64 * 1_024

    /// What a field's value says beside its text, by the field's name.
    enum Kind {
        case text, addresses, parameters

        private static let addressFields = FieldNames([
            "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-reply-to",
            "resent-to", "resent-cc", "resent-bcc", "return-path", "delivered-to", "x-original-to", "envelope-to",
        ])
        private static let parameterFields = FieldNames(["content-type", "content-disposition"])

        /// - Parameter name: In any case.
        init(_ name: UnsafeRawBufferPointer) {
            if Self.addressFields.contains(name) {
                self = .addresses
            } else {
                self = Self.parameterFields.contains(name) ? .parameters : .text
            }
        }
    }

    /// In lower case.
    let name: [UInt8]
    private var decoder = HeaderTextDecoder()
    private var folding = CaseFolding()
    private var addresses: AddressNormaliser?
    private var parameters: [UInt8]?
    private var decoded: [UInt8] = []

    init(name: [UInt8]) {
        self.name = ASCII.lowercased(name)
        switch self.name.withUnsafeBytes({ Kind($0) }) {
        case .text: break
        case .addresses: addresses = AddressNormaliser()
        case .parameters: parameters = []
        }
    }

    /// Takes more of the value.
    /// - Parameters:
    ///   - text: Is given what is now known of the value's text, folded.
    ///   - other: Is called with each text of its own that the value says too, folded.
    mutating func append(
        _ bytes: ArraySlice<UInt8>,
        _ converters: inout Converters,
        text: inout [UInt8],
        other: ([UInt8]) -> Void
    ) {
        decoded.removeAll(keepingCapacity: true)
        decoder.decode(bytes, &converters, into: &decoded)
        folding.fold(decoded, into: &text)
        addresses?.append(bytes, &converters) { other(CaseFolding.fold($0)) }
        if let count = parameters?.count { parameters?.append(contentsOf: bytes.prefix(Self.parameterBytes - count)) }
    }

    mutating func finish(_ converters: inout Converters, text: inout [UInt8], other: ([UInt8]) -> Void) {
        decoded.removeAll(keepingCapacity: true)
        decoder.finish(&converters, into: &decoded)
        folding.fold(decoded, into: &text)
        folding.finish(into: &text)
        addresses?.finish(&converters) { other(CaseFolding.fold($0)) }
        guard let value = parameters else { return }
        var scanner = FieldScanner(value)
        for (name, value) in Parameter.texts(of: scanner.parameters(), &converters) {
            other(CaseFolding.fold(name + [UInt8(ascii: "=")] + value))
        }
    }
}
