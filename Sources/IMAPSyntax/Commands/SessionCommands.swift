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

extension IDField {
    /// What follows ID: fields in parentheses; nil for `NIL`.
    static func parseAll(_ cursor: inout Cursor) throws(SyntaxError) -> [IDField]? {
        try cursor.space(before: "a list of fields or NIL")
        if cursor.peekWord() == "NIL" {
            cursor.advance(by: 3)
            return nil
        }
        try cursor.require("(", "a list of fields or NIL")
        cursor.takeSpaces()
        var fields: [IDField] = []
        if cursor.takeIfNext(")") { return fields }
        repeat {
            guard fields.count < cursor.limits.idFields else { throw cursor.tooMany("fields", cursor.limits.idFields) }
            let name = try cursor.string("the name of a field")
            try cursor.space(before: "the value of a field")
            let value = try cursor.nstring("the value of a field")
            // For logs and statistics only: what is not UTF-8 is repaired.
            fields.append(
                IDField(String(decoding: name, as: UTF8.self), value.map { String(decoding: $0, as: UTF8.self) })
            )
        } while cursor.takeSpacesBeforeElement()
        try cursor.require(")", "a closing parenthesis")
        return fields
    }
}

/// Commands about the session itself.
extension Command {
    /// What follows LOGIN: `SP userid SP password`.
    static func parseLogin(_ cursor: inout Cursor) throws(SyntaxError) -> Command {
        try cursor.space(before: "a user name")
        let userName = try cursor.astring("a user name")
        try cursor.space(before: "a password")
        return .login(userName: userName, password: Secret(try cursor.astring("a password")))
    }

    /// What follows AUTHENTICATE: `SP auth-type [SP initial-resp]`.
    static func parseAuthenticate(_ cursor: inout Cursor) throws(SyntaxError) -> Command {
        try cursor.space(before: "a mechanism")
        let mechanism = try cursor.atom("a mechanism").asciiUppercased
        guard cursor.nextBehindSpaces != nil else {
            return .authenticate(mechanism: mechanism, initialResponse: nil)
        }
        try cursor.space(before: "an initial response")
        let start = cursor
        let text = cursor.takeBytes { $0 != UInt8(ascii: " ") }
        guard !text.elementsEqual("=".utf8) else {
            return .authenticate(mechanism: mechanism, initialResponse: Secret([]))
        }
        guard let response = Base64.decode(text) else {
            throw start.failure(.invalidBase64, "The initial response of AUTHENTICATE is not base64")
        }
        return .authenticate(mechanism: mechanism, initialResponse: Secret(response))
    }

    /// What follows ENABLE: `1*(SP capability)`.
    static func parseEnable(_ cursor: inout Cursor) throws(SyntaxError) -> Command {
        var capabilities: [String] = []
        repeat {
            try cursor.space(before: "a capability")
            capabilities.append(try cursor.atom("a capability").asciiUppercased)
        } while cursor.nextBehindSpaces != nil
        return .enable(capabilities)
    }

    /// What follows COMPRESS: `SP algorithm`.
    static func parseCompress(_ cursor: inout Cursor) throws(SyntaxError) -> Command {
        try cursor.space(before: "a mechanism")
        return .compress(mechanism: try cursor.atom("a mechanism").asciiUppercased)
    }
}
