internal import Consensus
internal import MailModel
public import Placement

extension Node {
    /// Asks all nodes of the cluster what they hold and how much room they have. Takes as long as the slowest answer,
    /// and less than a second where a node does not answer.
    public func survey() async -> ClusterSurvey {
        await withCheckedContinuation { continuation in
            inboxes.agent.put(.survey(.wanted { continuation.resume(returning: $0) }))
        }
    }

    /// Looks at the whole cluster.
    ///
    /// - Throws: ``AdministrationError``, `.unavailable` where the directory has no quorum that answers in time.
    public func look() async throws(AdministrationError) -> ClusterLook {
        try await lookAgain(after: ClusterSurvey())
    }

    private func lookAgain(after earlier: ClusterSurvey) async throws(AdministrationError) -> ClusterLook {
        async let survey = survey()
        guard let directory = try await directoryAdministration.directory() else { throw .unavailable }
        return ClusterLook(directory, await survey.completed(by: earlier), now: mail.now())
    }

    /// Looks at the whole cluster, and again where what is asked does not hold and a node has not answered.
    ///
    /// A node that is busy answers late. As for the scheduler, one that is silent for 3 s is gone, and what it said
    /// before counts until then.
    ///
    /// - Throws: ``AdministrationError``, as ``look()``.
    func look(until holds: (ClusterLook) -> Bool) async throws(AdministrationError) -> ClusterLook {
        let end = ContinuousClock.now + .milliseconds(SchedulerRoom.goneMilliseconds)
        var earlier = ClusterSurvey()
        while true {
            let look = try await lookAgain(after: earlier)
            earlier = look.survey
            // A look without an answer takes most of a second, so there are four at most.
            if holds(look) || look.survey.goneSeconds.isEmpty || ContinuousClock.now >= end { return look }
        }
    }

    /// Has the node that leads a group hand its leadership to another one. Nothing says whether it does.
    func askToHandOver(_ group: GroupID, from leader: NodeID, to node: NodeID) {
        inboxes.agent.put(.survey(.handOver(group, from: leader, to: node)))
    }
}
