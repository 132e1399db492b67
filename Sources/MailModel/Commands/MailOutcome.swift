public import Consensus

/// Why the state machine refused a command. Nothing was changed.
public enum Refusal: UInt8, Error, Hashable, Sendable, CaseIterable {
    case noSuchAccount = 1
    case accountExists
    case accountSuspended
    case noSuchMailbox
    case mailboxExists
    /// The name breaks a limit, or INBOX may not be treated so.
    case badMailboxName
    case tooManyMailboxes
    case tooManyMessages = 9
    case overQuota
    /// The chunks of a large body are not (or no longer) there.
    case uploadMissing
    case uidsExhausted
    /// A command that this group cannot carry out: it belongs to another, or its version is not understood yet.
    case notHere
    /// The cluster is at a version that a node's program does not know, or would get to one.
    case unsupportedVersion
    /// More mailboxes are below the one to be renamed than one command may touch.
    case tooManyDescendants
    /// Another run of the node has registered under the same number or a higher one.
    case staleRegistration
    case tooManySubscriptions
    /// The directory knows no such node, or only that it is gone for good.
    case noSuchNode
    case noSuchGroup
    /// The token is not there, has ended, has let in as many as it may, or the secret is another one.
    case tokenRefused
    /// What was asked for does not follow from what is: a node cannot go from its state to that one, a group still
    /// serves slots.
    case notFromHere
    /// The directory has as many of it as it can keep.
    case tooManyEntries
    /// What was to be replaced is no longer what it was when that was asked for.
    case changedMeanwhile
    /// A node that is to get a replica is not active.
    case nodeTakesNothing
    case noSuchOperation
}

/// What a command did. The first answer to a request is kept and given again when the request is repeated.
public enum MailOutcome: Hashable, Sendable {
    case refused(Refusal)
    case done
    case accountCreated(AccountID)
    case mailboxCreated(MailboxID, uidValidity: UInt32)
    case appended(MailboxID, uidValidity: UInt32, uid: UID)
    /// `changed` have the new `modSeq`; `modified` were left alone because of `unchangedSince`. So many keywords as
    /// `surplus` were not set, since the mailbox has as many others as it can.
    case flagsStored(modSeq: ModSeq, changed: UIDSet, modified: UIDSet, surplus: UInt32)
    case expunged(UIDSet, modSeq: ModSeq)
    /// The n-th source UID became the n-th destination UID, both rising.
    case copied(MailboxID, uidValidity: UInt32, source: UIDSet, destination: UIDSet)
    /// How many rows a housekeeping command removed. To the leader it says that the command was applied; whether more
    /// is due, the leader finds by looking at the rows again.
    case purged(UInt32)
    case nodeAdmitted(NodeID)
    case groupAdded(GroupID)
    /// Nothing was begun: an operation that runs stands in the way.
    case operationConflicts(OperationID)
}
