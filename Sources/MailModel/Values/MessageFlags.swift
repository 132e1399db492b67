/// The system flags of RFC 3501, section 2.3.2, except `\Recent`, which belongs to sessions.
public struct SystemFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Nil for bits that have no meaning.
    public init?(exactly rawValue: UInt8) {
        guard rawValue < 32 else { return nil }
        self.rawValue = rawValue
    }
    /// The message was read.
    public static let seen = SystemFlags(rawValue: 1)
    /// The message was answered.
    public static let answered = SystemFlags(rawValue: 2)
    /// The user marked the message.
    public static let flagged = SystemFlags(rawValue: 4)
    /// EXPUNGE removes the message.
    public static let deleted = SystemFlags(rawValue: 8)
    /// The message is not finished.
    public static let draft = SystemFlags(rawValue: 16)
}

/// A message's flags as stored: keywords are numbers in the mailbox's keyword list.
public struct MessageFlags: Hashable, Sendable {
    /// The flags that IMAP itself defines.
    public var system: SystemFlags
    /// The others, by their numbers in the mailbox.
    public var keywords: KeywordSet

    public init(system: SystemFlags = [], keywords: KeywordSet = KeywordSet()) {
        self.system = system
        self.keywords = keywords
    }
}

/// Flags as a client names them.
public struct FlagNames: Hashable, Sendable {
    /// The flags that IMAP itself defines.
    public var system: SystemFlags
    /// Keyword names as given; compared without regard to ASCII case.
    public var keywords: [String]

    public init(system: SystemFlags = [], keywords: [String] = []) {
        self.system = system
        self.keywords = keywords
    }

    /// Whether no flag is named.
    public var isEmpty: Bool { system.isEmpty && keywords.isEmpty }
}

/// What a STORE does with the flags it names.
public enum FlagOperation: UInt8, Hashable, Sendable {
    case replace = 0
    case add = 1
    case remove = 2
}

/// RFC 6154's uses of a mailbox. A raw value is part of formats.
public enum SpecialUse: UInt8, Hashable, Sendable, CaseIterable {
    case all = 1
    case archive, drafts, flagged, junk, sent, trash
}
