internal import Consensus
internal import PeerTransport

/// A replica loop of another node, as far as groups at rest are concerned: what each says of all of them at once,
/// several times a second.
///
/// Plain values, no I/O; time is counted in ticks of this node's clock. Every proof is dated by when this node *sent*
/// what it answers: a beat that was lost, late, repeated, or of an earlier run can prove too little, never too much
/// (`Docs/decisions/0007-quiet-groups.md`).
struct Neighbor {
    /// What a beat calls for, besides the answer.
    struct News: Equatable {
        /// The node has started again: it knows nothing of what was at rest.
        var hasRestarted = false
        /// The node was forsaken, and is back.
        var hasReturned = false
        /// The node has other groups at rest than this node says: the node needs the whole list.
        var needsList = false
    }

    let node: NodeID
    /// The place of the loop among those of its node.
    let lane: UInt8
    /// Groups at rest that this node leads, with a replica there that is known to follow.
    var leading = RestSet()
    /// Groups at rest whose leader is there.
    var following = RestSet()
    /// Groups at rest that this node leads, and whose replica there was given up.
    var forsaken = GroupSet()
    /// Groups whose leaders here have gone to rest, to be sent with the next beat.
    var announcements: [RestingGroup] = []
    /// Groups that the node takes to be at rest and that are not, to be sent with the next beat.
    var stirred: [GroupID] = []

    /// When the last beat came, or when counting began.
    private(set) var heardTick: UInt64
    /// At this tick or later, all replicas of the node that ``leading`` stands for followed.
    private(set) var followTick: UInt64
    /// At this tick or later, all replicas of the node that ``following`` relies on led.
    private(set) var leadTick: UInt64
    /// How often ``leadTick`` was proven.
    private(set) var leadProofs: UInt64 = 0
    /// The newest beat that came from the loop.
    private(set) var newest: BeatEcho?
    /// When the whole list was sent last: an answer to an earlier beat says nothing of the list.
    private var listTick: UInt64 = 0

    init(node: NodeID, lane: UInt8 = 0, tick: UInt64) {
        self.node = node
        self.lane = lane
        heardTick = tick
        followTick = tick
        leadTick = tick
    }

    func beat(in lanes: Lanes = .single, session: UInt64, tick: UInt64) -> Beat {
        Beat(lanes: lanes, session: session, number: tick, leading: leading.digest, echo: newest)
    }

    /// - Parameters:
    ///   - session: this node's run.
    ///   - tick: this node's clock.
    mutating func receive(_ beat: Beat, session: UInt64, tick: UInt64) -> News {
        var news = News()
        if let newest {
            if newest.session == beat.session, beat.number <= newest.number { return news }
            news.hasRestarted = newest.session != beat.session
        }
        news.hasReturned = !forsaken.isEmpty
        heardTick = tick
        let agrees = beat.leading == following.digest
        newest = BeatEcho(session: beat.session, number: beat.number, agrees: agrees)
        // An echo of another run of this node, or of none, proves nothing.
        guard let echo = beat.echo, echo.session == session, echo.number <= tick else { return news }
        if agrees, echo.number >= leadTick {
            leadTick = echo.number
            leadProofs += 1
        }
        if echo.agrees {
            followTick = max(followTick, echo.number)
        } else if echo.number > listTick {
            news.needsList = true
        }
        return news
    }

    mutating func listWasSent(tick: UInt64) { listTick = tick }

    /// A proof is older than the beat that brought it: when the proofs of a node that is gone run out, its last beat is
    /// not as old. At half their time, several beats are missing.
    func isSilent(tick: UInt64, limit: UInt64) -> Bool { tick - heardTick >= max(1, limit / 2) }

    /// Whether leaders here may count on what it proves.
    func presence(tick: UInt64, _ limits: RestLimits) -> RaftNode.Presence {
        if tick - followTick < limits.followTicks { return .present }
        return isSilent(tick: tick, limits) ? .gone : .unclear
    }

    func isSilent(tick: UInt64, _ limits: RestLimits) -> Bool { tick - heardTick >= limits.silentTicks }

    func lacksFollowProof(tick: UInt64, _ limits: RestLimits) -> Bool {
        !leading.isEmpty && tick - followTick >= limits.followTicks
    }

    func lacksLeadProof(tick: UInt64, _ limits: RestLimits) -> Bool {
        !following.isEmpty && tick - leadTick >= limits.leadTicks
    }
}

/// How old proofs may be, in ticks.
struct RestLimits {
    /// From this age on, followers look whether their elections are due. Below the shortest election timeout.
    let leadTicks: UInt64
    /// From this age on, leaders no longer count on their followers. The time is long: a leader without work that
    /// nobody follows does no harm (with work it wakes), while many leaders that wake at once would make matters worse
    /// on a machine that has too much to do already.
    let followTicks: UInt64
    /// A node of which no beat came for so long is gone.
    let silentTicks: UInt64

    init(_ settings: RaftSettings) {
        leadTicks = UInt64(max(1, settings.electionTimeoutTicks / 2))
        followTicks = UInt64(4 * settings.electionTimeoutTicks)
        silentTicks = UInt64(settings.electionTimeoutTicks)
    }
}
