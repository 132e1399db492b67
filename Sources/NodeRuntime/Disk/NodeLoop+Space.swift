internal import Consensus
internal import MailModel
internal import ReplicaCore

/// A full disk is foreseen: below a reserve the node takes no new mail in, neither from its own clients nor, for groups
/// that it leads, from others. Reads, flags and expunges go on, and so does what makes room.
extension NodeLoop {
    /// Looked at with every round of maintenance.
    ///
    /// - Parameter bytes: nil where the file system does not say: then all stays as it was, since a disk that cannot
    ///   even be asked is none to give the all-clear for.
    func noteFreeBytes(_ bytes: Int?) {
        guard let bytes else { return }
        let isSpaceLow = floor.health.isSpaceLow
        let reserve = floor.settings.reservedBytes
        // A tenth more than the reserve ends it, so that it does not come and go.
        let isLow = bytes < (isSpaceLow ? reserve + reserve / 10 : reserve)
        guard isLow != isSpaceLow else { return }
        floor.health.isSpaceLow = isLow
        floor.observers.disk?(
            isLow ? .spaceIsLow(freeBytes: bytes, reservedBytes: reserve) : .spaceIsBack(freeBytes: bytes)
        )
    }
}

extension MailCommand {
    /// Whether the command makes the state larger by what a message is.
    var bringsMail: Bool {
        switch self {
        case .deliver, .append, .uploadChunk: true
        case .createAccount, .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox,
            .deleteMailbox, .renameMailbox, .setSubscribed, .storeFlags, .expunge, .remove, .copy, .move, .claimRecent,
            .purgeExpunged, .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant, .directory:
            false
        }
    }
}

/// What an operator should hear of this node's disk.
package enum DiskEvent: Sendable {
    case spaceIsLow(freeBytes: Int, reservedBytes: Int)
    case spaceIsBack(freeBytes: Int)
    /// Something that was asked of the disk has not come back for so long.
    case hangs(milliseconds: Int64, what: String)
    case recovered
}
