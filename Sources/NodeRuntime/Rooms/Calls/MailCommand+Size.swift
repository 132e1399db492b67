internal import MailModel

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
