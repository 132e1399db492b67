/// The transfer of leadership (Raft dissertation, section 3.10): what the leader that hands over, and the replica that
/// takes over, must know between two steps.
struct Transfer: Sendable {
    /// To whom this leader is handing its leadership; nil where to nobody.
    private(set) var target: ReplicaID?
    private var elapsedTicks = 0
    /// The term whose leader wants to be replaced by this replica, which still has a configuration to apply first.
    private(set) var takeOverTerm: Term?

    // MARK: - The leader

    /// The leader begins to hand over.
    mutating func begin(to target: ReplicaID) {
        self.target = target
        elapsedTicks = 0
    }

    /// The leader hands over to nobody any more.
    mutating func end() { target = nil }

    /// One tick passed. The transfer is given up after an election timeout. Until then `timeoutNow` is repeated: it may
    /// have been lost.
    ///
    /// - Parameter isVoter: whether the target votes still.
    /// - Returns: whether the target is to be told again.
    mutating func tick(_ settings: RaftSettings, isVoter: Bool) -> Bool {
        elapsedTicks += 1
        guard elapsedTicks < settings.electionTimeoutTicks, isVoter else {
            end()
            return false
        }
        return elapsedTicks % settings.heartbeatTicks == 0
    }

    /// The target may be gone, and the leader does not wait for long: a target that was told before has campaigned when
    /// a heartbeat interval has passed. Until then nothing new is proposed, which the target would lack.
    mutating func hasten(_ settings: RaftSettings) {
        elapsedTicks = max(elapsedTicks, settings.electionTimeoutTicks - settings.heartbeatTicks)
    }

    // MARK: - The target

    /// The leader of `term` wants to be replaced by this replica as soon as it may campaign.
    mutating func awaitTakeOver(in term: Term) { takeOverTerm = term }

    /// This replica takes over now, or not at all.
    mutating func endTakeOver() { takeOverTerm = nil }
}
