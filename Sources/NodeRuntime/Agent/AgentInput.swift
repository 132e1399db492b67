package import Consensus
package import MailModel
package import PeerTransport

/// Everything that reaches the agent of a node.
package enum AgentInput: Sendable {
    /// What a node says to this one, not to one of its groups.
    case received(PeerMessage, from: NodeID)
    case founding(FoundingInput)
    case registration(RegistrationInput)
    case directory(DirectoryInput)
    case addedGroups(AddedGroupsInput)
    /// A group that is led from here has other members than the directory says, by its log at that index.
    case members(of: GroupID, at: LogIndex, Configuration)
    /// The directory was told of members, or not.
    case membersTold(of: GroupID, at: LogIndex, Result<MailOutcome, ServiceFailure>)
    /// Nil where the file system does not say.
    case space(DiskSpace?)
    /// Where nodes are that can be asked for the directory, which this one has nothing of.
    case contacts([JoinContact])
    /// A node says that this one is gone for good.
    case calledGone(by: NodeID)
    case survey(SurveyInput)
    case scheduler(SchedulerInput)
    /// The log has had so much since the last time that the state is to be flushed.
    case logHasGrown
    /// The state was flushed, and the file system asked; or one of the two has failed.
    case upkeepIsOver
    /// The directory's state here says that the cluster is at this version.
    case version(ClusterVersion)
}
