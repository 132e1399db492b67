/// One field of ID (RFC 2971).
public struct IDField: Hashable, Sendable {
    /// The name of the field.
    public var name: String
    /// The value; nil is `NIL`.
    public var value: String?

    public init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value
    }
}

/// Commands about the session itself.
extension Cursor {
    mutating func loginCommand() throws(SyntaxError) -> Command {
        try space(before: "a user name")
        let userName = try astring("a user name")
        try space(before: "a password")
        return .login(userName: userName, password: Secret(try astring("a password")))
    }

    mutating func authenticateCommand() throws(SyntaxError) -> Command {
        try space(before: "a mechanism")
        let mechanism = try atom("a mechanism").asciiUppercased
        guard nextBehindSpaces != nil else {
            return .authenticate(mechanism: mechanism, initialResponse: nil)
        }
        try space(before: "an initial response")
        let start = self
        let text = take { $0 != UInt8(ascii: " ") }
        guard !text.elementsEqual("=".utf8) else {
            return .authenticate(mechanism: mechanism, initialResponse: Secret([]))
        }
        guard let response = Base64.decode(text) else {
            throw start.failure(.invalidBase64, "The initial response of AUTHENTICATE is not base64")
        }
        return .authenticate(mechanism: mechanism, initialResponse: Secret(response))
    }

    mutating func enableCommand() throws(SyntaxError) -> Command {
        var capabilities: [String] = []
        repeat {
            try space(before: "a capability")
            capabilities.append(try atom("a capability").asciiUppercased)
        } while nextBehindSpaces != nil
        return .enable(capabilities)
    }

    mutating func compressCommand() throws(SyntaxError) -> Command {
        try space(before: "a mechanism")
        return .compress(mechanism: try atom("a mechanism").asciiUppercased)
    }

    mutating func idCommand() throws(SyntaxError) -> Command {
        try space(before: "a list of fields or NIL")
        if peekWord() == "NIL" {
            advance(by: 3)
            return .id(nil)
        }
        try require("(", "a list of fields or NIL")
        takeSpaces()
        var fields: [IDField] = []
        if take(")") { return .id(fields) }
        repeat {
            guard fields.count < limits.idFields else { throw tooMany("fields", limits.idFields) }
            let name = try string("the name of a field")
            try space(before: "the value of a field")
            let value = try nstring("the value of a field")
            // For logs and statistics only: what is not UTF-8 is repaired.
            fields.append(
                IDField(String(decoding: name, as: UTF8.self), value.map { String(decoding: $0, as: UTF8.self) })
            )
        } while takeSpacesBeforeElement()
        try require(")", "a closing parenthesis")
        return .id(fields)
    }
}
