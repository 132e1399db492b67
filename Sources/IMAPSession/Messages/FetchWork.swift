internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// A FETCH under way.
struct FetchWork {
    let tag: String
    let command: FetchCommand
    /// The items that are written for each message.
    let items: [FetchItem]
    let needsDetails: Bool
    /// Indexes that are left, the next range last.
    var ranges: [Range<Int>]
    /// Rows of the next messages, the next one last.
    var details: [MessageDetails] = []
    /// The rows of UIDs up to here were asked for: a message without a row is gone.
    var detailsUpTo: UInt32 = 0
    var detailsPerQuery = SessionLimits.firstDetails
    var current: Message?
    /// Sets of messages that become `\Seen` before anything is written.
    var unseen: [UIDSet] = []
    /// Messages that became `\Seen` by this command.
    var seen: [UIDSet] = []
    /// Another session has expunged a message.
    var hasGone = false

    struct Message {
        let index: Int
        let uid: UInt32
        var details: MessageDetails?
        var outline: (any MessageOutline)?
        var nextItem = 0
        var piece: Piece?
        /// Works out what the stored outline does not say, while its piece is under way.
        var reader: (any OutlineReading)?
        /// Whether the outline comes from the message itself: it gets no better.
        var isOutlineRead = false
        /// Writes the item that is under way.
        var writer: (any ResponseWriting)?
        /// The header, when an item before needed it.
        var header: (range: Range<UInt64>, bytes: ByteBuffer)?

        /// Whether an item that looks through the header is work for a turn of its own.
        var isCostly: Bool { (header?.bytes.readableBytes ?? 0) >= SessionLimits.writeBytes }
    }

    /// Bytes of a body on their way.
    struct Piece {
        enum Purpose {
            /// The bytes go straight to the client, behind the announcement of a literal; nil once that was written.
            case literal(FetchItem, origin: UInt64?, length: Int)
            case announcedLiteral
            /// The bytes are a header, to be filtered.
            case header(Range<UInt64>, ByteBuffer)
            /// For the message's reader, so that the item can be told.
            case outline(FetchItem)
        }

        var purpose: Purpose
        var range: Range<UInt64>
    }

    var nextIndex: Int? { ranges.last?.first }

    func needsRow(of uid: UInt32) -> Bool { needsDetails && uid > detailsUpTo }

    /// Takes the next index.
    mutating func popIndex() -> Int? {
        while let range = ranges.popLast() {
            guard let index = range.first else { continue }
            if range.count > 1 { ranges.append((index + 1)..<range.upperBound) }
            return index
        }
        return nil
    }

    /// The next indexes, which are not taken.
    func peekIndexes(_ limit: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var left = limit
        for range in ranges.reversed() where left > 0 && !range.isEmpty {
            result.append(range.prefix(left))
            left -= result.last?.count ?? 0
        }
        return result
    }
}

extension FetchItem {
    /// Whether the view is enough.
    var isInView: Bool {
        switch self {
        case .uid, .flags, .modSeq: true
        case .internalDate, .size, .envelope, .body, .bodyStructure, .section, .binary, .binarySize, .rfc822,
            .rfc822Header, .rfc822Text, .emailID, .threadID, .saveDate, .preview:
            false
        }
    }

    /// Whether the message becomes `\Seen` by it.
    var marksSeen: Bool {
        switch self {
        case .section(_, _, let isPeek), .binary(_, _, let isPeek): !isPeek
        case .rfc822, .rfc822Text: true
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .binarySize, .rfc822Header, .modSeq,
            .emailID, .threadID, .saveDate, .preview:
            false
        }
    }

    /// Whether it is told from the message's outline, or finds its bytes by that.
    var needsOutline: Bool {
        switch self {
        case .envelope, .body, .bodyStructure, .rfc822Header, .rfc822Text: true
        case .section(let section, _, _): !section.part.isEmpty || section.text != nil
        case .uid, .flags, .internalDate, .size, .rfc822, .binary, .binarySize, .modSeq, .emailID, .threadID, .saveDate,
            .preview:
            false
        }
    }

    var isSupported: Bool {
        switch self {
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .section, .rfc822, .rfc822Header,
            .rfc822Text, .modSeq, .emailID, .threadID, .saveDate:
            true
        case .binary, .binarySize, .preview: false
        }
    }
}
