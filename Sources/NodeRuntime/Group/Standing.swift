package import Consensus

/// How far a group can be used on this node. One value answers what everybody asks of it.
///
/// A replica that comes from the disk begins in ``recalling(hasState:)``; one that begins with nothing is ``live``.
package enum Standing: Hashable, Sendable {
    /// A replica of the group is wanted here, and has not begun.
    case absent
    /// No replica of the group is wanted here: others serve it.
    case remote
    /// The replica asks the other members what it has promised, before it says anything. Without a state, it asks for a
    /// snapshot afterwards.
    case recalling(hasState: Bool)
    /// The state is lost, and nobody was asked for a snapshot yet.
    case rebuilding
    /// A snapshot is on its way; the rows that were there are gone.
    case installing
    /// Log and state are what they should be.
    case live
    /// The replica was given up; the next one begins as soon as log and state are empty.
    case replacing
    /// The group goes on without the replica that was here, whose log and state are being removed.
    case leaving
    /// The group stands still before an entry that this program cannot apply. Log and state stay as they are.
    case stopped(StoppedGroup)

    /// Whether the replica sends and hears what Raft says.
    var takesPart: Bool {
        switch self {
        case .rebuilding, .installing, .live: true
        case .absent, .remote, .recalling, .replacing, .leaving, .stopped: false
        }
    }

    /// Whether the rows are those of the replica's applied index: they may be copied and compared, and the log may be
    /// cut behind them.
    var hasState: Bool {
        switch self {
        case .recalling(let hasState): hasState
        case .live: true
        case .absent, .remote, .rebuilding, .installing, .replacing, .leaving, .stopped: false
        }
    }

    /// Whether clients' reads are answered from the rows.
    var servesReads: Bool { if case .live = self { true } else { false } }
}

/// Why a group stands still on this node.
package struct StoppedGroup: Hashable, Sendable {
    /// The entry that is not applied.
    package let index: LogIndex
    /// Why the entry is not applied.
    package let reason: String
}
