import Consensus
import NIOCore
import ReplicaCore
import Testing

/// What a replica has told another, and may not forget.
@Suite struct TestimonyTests {
    private static let told = Testimony(term: Term(5), index: LogIndex(100), voteTerm: Term(4))

    @Test(arguments: [
        // An image of before the last term.
        (term: 4, vote: UInt64?(1), last: 500, isForgotten: true),
        // Of the same term, but with less than was promised in it.
        (term: 5, vote: nil, last: 99, isForgotten: true),
        (term: 5, vote: nil, last: 100, isForgotten: false),
        (term: 5, vote: nil, last: 101, isForgotten: false),
        // A later leader may have cut the log anywhere.
        (term: 6, vote: nil, last: 3, isForgotten: false),
    ])
    func whatIsForgotten(term: UInt64, vote: UInt64?, last: UInt64, isForgotten: Bool) {
        let found = Self.told.isForgotten(
            term: Term(term),
            vote: vote.map { ReplicaID($0) },
            lastIndex: LogIndex(last),
            termAt: { _ in nil },
            voter: ReplicaID(1)
        )
        #expect(found == isForgotten)
    }

    @Test func aVoteThatIsNoLongerKnownIsForgotten() {
        let told = Testimony(term: Term(5), index: .zero, voteTerm: Term(5))
        func isForgotten(_ vote: ReplicaID?) -> Bool {
            told.isForgotten(
                term: Term(5),
                vote: vote,
                lastIndex: LogIndex(1),
                termAt: { _ in nil },
                voter: ReplicaID(3)
            )
        }
        #expect(!isForgotten(ReplicaID(3)))
        #expect(isForgotten(ReplicaID(2)))
        #expect(isForgotten(nil))
    }

    @Test func whoSaidNothingHasForgottenNothing() {
        let nothing = Testimony()
        #expect(!nothing.isForgotten(term: .zero, vote: nil, lastIndex: .zero, termAt: { _ in nil }, voter: nil))
    }

    /// The image is of the same term, and just as long, but of before the leader replaced the last entry.
    @Test(arguments: [
        (term: 5, entry: UInt64?(3), isForgotten: true), (term: 5, entry: 4, isForgotten: false),
        // Compacted: only what is committed ever is.
        (term: 5, entry: nil, isForgotten: false), (term: 6, entry: 3, isForgotten: false),
    ])
    func anEntryThatWasReplacedIsForgotten(term: UInt64, entry: UInt64?, isForgotten: Bool) {
        let told = Testimony(term: Term(5), index: LogIndex(7), entryTerm: Term(4))
        let found = told.isForgotten(
            term: Term(term),
            vote: nil,
            lastIndex: LogIndex(7),
            termAt: { $0 == LogIndex(7) ? entry.map { Term($0) } : nil },
            voter: nil
        )
        #expect(found == isForgotten)
    }

    // MARK: What is noted

    private struct NoSource: PayloadSource {
        func payloads(group: GroupID, first: LogIndex, count: Int) -> [ByteBuffer]? { nil }
    }

    private static func makeReplica() -> Replica {
        let members = (1...3).map { Member(replica: ReplicaID($0), node: NodeID($0)) }
        let raft = RaftNode(
            id: ReplicaID(1),
            settings: RaftSettings(),
            hardState: HardState(),
            snapshot: SnapshotPoint(index: .zero, term: .zero, configuration: Configuration(voters: members)),
            headers: [],
            appliedIndex: .zero,
            seed: 1
        )
        return Replica(group: GroupID(1), raft: raft, settings: ReplicaSettings())
    }

    @discardableResult
    private static func say(
        _ body: Message.Body,
        term: UInt64,
        to: UInt64 = 1,
        durable: UInt64 = 0,
        _ replica: Replica
    ) -> [ReplicaEffect] {
        var effects: [ReplicaEffect] = []
        let message = Message(from: ReplicaID(2), to: ReplicaID(to), term: Term(term), body: body)
        replica.receive(
            ReplicaMessage(group: GroupID(1), message: message, durableIndex: LogIndex(durable)),
            from: NodeID(2),
            NoSource(),
            into: &effects
        )
        return effects
    }

    @Test func promisesOfATermAreAddedUpAndThoseOfEarlierTermsGo() {
        let replica = Self.makeReplica()
        let other = ReplicaID(2)
        Self.say(.appendAccepted(matchIndex: LogIndex(7)), term: 3, replica)
        Self.say(.appendAccepted(matchIndex: LogIndex(4)), term: 3, replica)
        #expect(replica.testimony(of: other) == Testimony(term: Term(3), index: LogIndex(7)))
        Self.say(.appendAccepted(matchIndex: LogIndex(9)), term: 2, replica)
        #expect(replica.testimony(of: other).index == LogIndex(7))
        Self.say(.voteResponse(granted: true), term: 4, replica)
        #expect(replica.testimony(of: other) == Testimony(term: Term(4), index: .zero, voteTerm: Term(4)))
        #expect(replica.testimony(of: ReplicaID(3)) == Testimony())
    }

    @Test func aLeaderKnowsWhatEntryItIsThatMatches() {
        let replica = Self.makeReplica()
        func persist(_ effects: [ReplicaEffect]) {
            var more: [ReplicaEffect] = []
            for case .write(let write) in effects { replica.persisted(write.sequence, NoSource(), into: &more) }
        }
        var effects: [ReplicaEffect] = []
        _ = replica.control(.campaign, NoSource(), into: &effects)
        persist(Self.say(.preVoteResponse(granted: true), term: 1, replica))
        persist(Self.say(.voteResponse(granted: true), term: 1, replica))
        #expect(replica.isLeader)
        Self.say(.appendAccepted(matchIndex: LogIndex(1)), term: 1, replica)
        let told = Testimony(term: Term(1), index: LogIndex(1), entryTerm: Term(1), voteTerm: Term(1))
        #expect(replica.testimony(of: ReplicaID(2)) == told)
    }

    @Test func aLeaderPromisesWhatItsOwnDiskHas() {
        let replica = Self.makeReplica()
        Self.say(.heartbeat(commitIndex: .zero, readSequence: 0), term: 2, durable: 12, replica)
        #expect(replica.testimony(of: ReplicaID(2)) == Testimony(term: Term(2), index: LogIndex(12)))
        // A follower's log may still be cut in its term.
        let second = Self.makeReplica()
        Self.say(.voteResponse(granted: false), term: 2, durable: 12, second)
        #expect(second.testimony(of: ReplicaID(2)) == Testimony(term: Term(2)))
    }

    @Test func whatPromisesNothingIsNotNoted() {
        let replica = Self.makeReplica()
        Self.say(.preVote(lastIndex: .zero, lastTerm: .zero), term: 9, replica)
        #expect(replica.testimony(of: ReplicaID(2)) == Testimony())
        // To the replica that this node had before.
        Self.say(.voteResponse(granted: true), term: 9, to: 8, replica)
        #expect(replica.testimony(of: ReplicaID(2)) == Testimony())
    }
}
