import Testing

/// A message to test with.
struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let message: [UInt8]

    init(_ name: String, _ text: String) {
        self.name = name
        message = crlf(text)
    }

    init(_ name: String, bytes: [UInt8]) {
        self.name = name
        message = bytes
    }

    var testDescription: String { name }
}
