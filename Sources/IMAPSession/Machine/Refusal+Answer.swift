internal import IMAPSyntax
internal import MailModel

extension Refusal {
    /// What a client is told: a response code (RFC 5530), and a sentence for people.
    ///
    /// - Parameter missingMailbox: the code where the mailbox that the command names does not exist.
    func answer(missingMailbox: ResponseCode) -> (code: ResponseCode?, text: String) {
        switch self {
        case .noSuchAccount: (.contactAdmin, "This account does not exist any more")
        case .accountExists: (.serverBug, "The account exists")
        case .accountSuspended: (.contactAdmin, "This account is suspended")
        case .noSuchMailbox: (missingMailbox, "There is no such mailbox")
        case .mailboxExists: (.alreadyExists, "A mailbox of this name exists")
        case .badMailboxName: (.cannot, "This cannot be done with a mailbox of this name")
        case .tooManyMailboxes:
            (.limit, "An account has at most \(MailLimits.mailboxesPerAccount) mailboxes")
        case .tooManySubscriptions:
            (.limit, "An account has at most \(MailLimits.subscriptionsPerAccount) subscriptions")
        case .tooManyMessages: (.limit, "Too many messages for one command")
        case .overQuota: (.overQuota, "The mailbox is full")
        case .uploadMissing: (.unavailable, "The message was not received completely; please try again")
        case .tooManyDescendants:
            (
                .limit,
                "More than \(MailLimits.mailboxesPerRename) mailboxes, or fewer with long names, are below "
                    + "this one; please rename those first"
            )
        case .uidsExhausted: (.limit, "The mailbox has given out all its UIDs")
        case .notHere, .unsupportedVersion, .staleRegistration, .noSuchNode, .noSuchGroup, .tokenRefused, .notFromHere,
            .tooManyEntries, .changedMeanwhile, .nodeTakesNothing, .noSuchOperation:
            (.unavailable, "The mail store cannot do this at the moment; please try again")
        }
    }
}
