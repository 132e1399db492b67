/// What a status response says of a command, or of the session.
public enum StatusCondition: String, Hashable, Sendable {
    case ok = "OK"
    case no = "NO"
    case bad = "BAD"
    /// Untagged only.
    case bye = "BYE"
    /// Untagged only, as a greeting.
    case preauth = "PREAUTH"
}

/// The code in the brackets of a status response (RFC 9051 section 7.1, RFC 5530 and the extensions named).
public enum ResponseCode: Hashable, Sendable {
    case alert
    case alreadyExists
    /// UIDPLUS (RFC 4315).
    case appendUID(uidValidity: UInt32, uids: NumberSet)
    case authenticationFailed
    case authorizationFailed
    case badCharset([String])
    case cannot
    case capability([String])
    case clientBug
    case closed
    /// COMPRESS (RFC 4978).
    case compressionActive
    case contactAdmin
    /// UIDPLUS; the sets expand to UIDs in corresponding order.
    case copyUID(uidValidity: UInt32, source: NumberSet, destination: NumberSet)
    case corruption
    case expired
    case expungeIssued
    case hasChildren
    /// CONDSTORE (RFC 7162).
    case highestModSeq(UInt64)
    case inUse
    case limit
    /// OBJECTID (RFC 8474).
    case mailboxID(String)
    /// Of sequence numbers or UIDs, as the command's set was (RFC 7162).
    case modified(NumberSet)
    case noModSeq
    case nonExistent
    case noPermission
    /// SEARCHRES (RFC 5182).
    case notSaved
    case overQuota
    case parse
    /// With `\*` when new keywords are possible.
    case permanentFlags([Flag], allowsNewKeywords: Bool)
    case privacyRequired
    case readOnly
    case readWrite
    case serverBug
    case tooBig
    case tryCreate
    case uidNext(UInt32)
    case uidNotSticky
    case uidValidity(UInt32)
    case unavailable
    case unknownTransferEncoding
    /// Of the first unseen message (RFC 3501).
    case unseen(UInt32)
    /// CREATE-SPECIAL-USE (RFC 6154).
    case useAttribute
}

extension ResponseCode: CustomStringConvertible {
    /// As between the brackets.
    public var description: String {
        switch self {
        case .alert: "ALERT"
        case .alreadyExists: "ALREADYEXISTS"
        case .appendUID(let uidValidity, let uids): "APPENDUID \(uidValidity) \(uids)"
        case .authenticationFailed: "AUTHENTICATIONFAILED"
        case .authorizationFailed: "AUTHORIZATIONFAILED"
        case .badCharset(let names): "BADCHARSET (\(names.joined(separator: " ")))"
        case .cannot: "CANNOT"
        case .capability(let names): "CAPABILITY \(names.joined(separator: " "))"
        case .clientBug: "CLIENTBUG"
        case .closed: "CLOSED"
        case .compressionActive: "COMPRESSIONACTIVE"
        case .contactAdmin: "CONTACTADMIN"
        case .copyUID(let uidValidity, let source, let destination):
            "COPYUID \(uidValidity) \(source) \(destination)"
        case .corruption: "CORRUPTION"
        case .expired: "EXPIRED"
        case .expungeIssued: "EXPUNGEISSUED"
        case .hasChildren: "HASCHILDREN"
        case .highestModSeq(let modSeq): "HIGHESTMODSEQ \(modSeq)"
        case .inUse: "INUSE"
        case .limit: "LIMIT"
        case .mailboxID(let id): "MAILBOXID (\(id))"
        case .modified(let numbers): "MODIFIED \(numbers)"
        case .noModSeq: "NOMODSEQ"
        case .nonExistent: "NONEXISTENT"
        case .noPermission: "NOPERM"
        case .notSaved: "NOTSAVED"
        case .overQuota: "OVERQUOTA"
        case .parse: "PARSE"
        case .permanentFlags(let flags, let allowsNewKeywords):
            "PERMANENTFLAGS (\((flags.map(\.description) + (allowsNewKeywords ? ["\\*"] : [])).joined(separator: " ")))"
        case .privacyRequired: "PRIVACYREQUIRED"
        case .readOnly: "READ-ONLY"
        case .readWrite: "READ-WRITE"
        case .serverBug: "SERVERBUG"
        case .tooBig: "TOOBIG"
        case .tryCreate: "TRYCREATE"
        case .uidNext(let uid): "UIDNEXT \(uid)"
        case .uidNotSticky: "UIDNOTSTICKY"
        case .uidValidity(let uidValidity): "UIDVALIDITY \(uidValidity)"
        case .unavailable: "UNAVAILABLE"
        case .unknownTransferEncoding: "UNKNOWN-CTE"
        case .unseen(let number): "UNSEEN \(number)"
        case .useAttribute: "USEATTR"
        }
    }
}
