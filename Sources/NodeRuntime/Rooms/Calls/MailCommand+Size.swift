internal import MailModel
internal import NIOCore

extension MailCommand {
    /// What a command takes in memory besides its bytes, about.
    static let overheadBytes = 512

    /// Whether the command makes the state larger by what a message is.
    var bringsMail: Bool {
        switch self {
        case .deliver, .append, .uploadChunk: true
        case .createAccount, .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox,
            .deleteMailbox, .renameMailbox, .setSubscribed, .storeFlags, .expunge, .remove, .copy, .move,
            .purgeExpunged, .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant, .directory:
            false
        }
    }

    /// What the command holds in memory, about, in bytes.
    var approximateBytes: Int {
        switch self {
        case .deliver(let message, _), .append(let message, _): Self.overheadBytes + message.heldBytes
        case .uploadChunk(_, _, let bytes): Self.overheadBytes + bytes.readableBytes
        case .storeFlags(_, let uids, _, _, _), .expunge(_, let uids), .remove(_, let uids), .copy(_, let uids, _),
            .move(_, let uids, _):
            Self.overheadBytes + 8 * uids.ranges.count
        case .createAccount, .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox,
            .deleteMailbox, .renameMailbox, .setSubscribed, .purgeExpunged, .purgeRequests,
            .purgeDeliveries, .purgeUploads, .purgeRemnant, .directory:
            2 * Self.overheadBytes
        }
    }
}

extension NewMessage {
    fileprivate var heldBytes: Int {
        let bodyBytes =
            switch body {
            case .inline(let bytes): bytes.readableBytes
            case .uploaded: 0
            }
        return bodyBytes + summary.readableBytes
    }
}
