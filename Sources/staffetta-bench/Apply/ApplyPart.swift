internal import ArgumentParser
internal import Consensus
internal import MailModel

/// What is measured in one database.
enum ApplyPart: String, CaseIterable, ExpressibleByArgument {
    case messages, keywords, summaries, names, bodies, retention, accounts, directory

    var group: GroupID { self == .directory ? .directory : GroupID(1) }

    func run(_ rig: ApplyRig, _ messages: Int) throws {
        switch self {
        case .messages: try MessageCosts(rig: rig).run(messages)
        case .keywords: try KeywordCosts(rig: rig).run()
        case .summaries: try SummaryCosts(rig: rig).run()
        case .names: try NameCosts(rig: rig).run()
        case .bodies: try BodyCosts(rig: rig).run()
        case .retention: try RetentionCosts(rig: rig).run()
        case .accounts: try AccountCosts(rig: rig).run(messages)
        case .directory: try DirectoryCosts(rig: rig).run()
        }
    }
}

/// UIDs of a part of a mailbox, in pieces whose messages lie far from each other: each in a block of its own on disk.
struct Scattered {
    let uids: Range<UInt32>

    /// The n-th piece; no UID is in two of the same size.
    func piece(_ number: Int, of count: Int) -> UIDSet {
        let stride = UInt32(uids.count / count)
        precondition(number < Int(stride), "there are not so many pieces")
        return UIDSet((0..<UInt32(count)).map { UID(uids.lowerBound + UInt32(number) + $0 * stride) })
    }
}

/// The n-th piece of UIDs one after the other.
func row(_ number: Int, of count: Int, from first: UInt32 = 1) -> UIDSet {
    let lower = first + UInt32(number * count)
    return UIDSet(ranges: [lower...lower + UInt32(count) - 1])
}

func name(_ text: String) throws -> MailboxName { try MailboxName(text) }

/// So many keywords, as long as they can be.
func keywords(_ range: Range<Int>, _ kind: Character = "k") -> [String] {
    range.map { number in
        let digits = "\(number)"
        return String(repeating: kind, count: MailLimits.keywordBytes - digits.count) + digits
    }
}

/// STORE of keywords and system flags.
func store(
    in mailbox: MailboxID,
    uids: UIDSet,
    operation: FlagOperation,
    keywords: [String] = [],
    system: SystemFlags = []
) -> MailCommand {
    let flags = FlagNames(system: system, keywords: keywords)
    return .storeFlags(mailbox, uids, operation, flags, unchangedSince: nil)
}
