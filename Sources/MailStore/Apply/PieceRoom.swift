internal import MailModel

/// How much more one housekeeping command may do.
struct PieceRoom {
    private let limit: Int
    private(set) var removed = 0
    private var rows = 0
    private var bytes = 0

    /// - Parameter asked: what the command names; there are limits besides.
    init(_ asked: UInt32) { limit = min(Int(asked), MailLimits.purgedPerCommand) }

    var isLeft: Bool {
        removed < limit && rows < MailLimits.rowsPerPurge && bytes < MailLimits.messageRowBytesPerCommand
    }

    /// Counts rows that were touched without anything being removed.
    mutating func passOver(rows more: Int) { rows += more }

    /// Counts something that was removed, with its rows and the bytes that were read for it.
    mutating func take(rows more: Int, bytes read: Int) {
        removed += 1
        rows += more
        bytes += read
    }
}
