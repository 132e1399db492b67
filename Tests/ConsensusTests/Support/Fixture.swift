@testable public import Consensus

/// One replica under test, with the shorthand to put it into a state and see what it says.
struct Fixture {
    var node: RaftNode
    var effects: [Effect] = []

    static let settings = RaftSettings(preVote: false, checkQuorum: false)

    /// One of `voters`, whose log has entries with these terms.
    init(
        id: ReplicaID = 1,
        voters: Int = 3,
        terms: [UInt64] = [],
        term: UInt64? = nil,
        vote: UInt64? = nil,
        commit: UInt64 = 0,
        settings: RaftSettings = Fixture.settings
    ) {
        let members = (1...UInt64(voters)).map { Member(replica: ReplicaID($0), node: NodeID($0)) }
        node = RaftNode(
            id: id,
            settings: settings,
            hardState: HardState(
                term: Term(term ?? terms.last ?? 0),
                vote: vote.map { ReplicaID($0) },
                commitIndex: LogIndex(commit)
            ),
            snapshot: SnapshotPoint(index: 0, term: 0, configuration: Configuration(voters: members)),
            headers: headers(terms),
            appliedIndex: .zero,
            seed: 1
        )
    }

    /// Steps and keeps the effects of this step only.
    mutating func step(_ event: Event) {
        var output = Effects()
        node.step(event, into: &output)
        effects = output.list
    }

    mutating func receive(from: ReplicaID, term: Term, _ body: Message.Body) {
        step(.received(Message(from: from, to: node.id, term: term, body: body)))
    }

    /// Everything ordered so far becomes durable.
    mutating func persist() {
        step(.persisted(sequence: node.persistent.queue.lastSequence))
    }

    mutating func append(
        from: ReplicaID = 2,
        term: Term,
        after previous: (LogIndex, Term),
        _ terms: [UInt64] = [],
        commit: LogIndex = 0
    ) {
        let append = AppendEntries(
            previousIndex: previous.0,
            previousTerm: previous.1,
            entries: headers(terms),
            commitIndex: commit
        )
        receive(from: from, term: term, .appendEntries(append))
    }

    /// Replica 1, which follows replica 2 in term 1 and has the whole log.
    static func follower(_ settings: RaftSettings) -> Fixture {
        var fixture = Fixture(settings: settings)
        fixture.append(term: 1, after: (0, 0), [1], commit: 1)
        fixture.persist()
        fixture.step(.applied(upTo: 1))
        return fixture
    }

    /// Elects this replica with the vote of replica 2, and of 3 where two are needed.
    mutating func lead() {
        step(.campaign)
        persist()
        for voter in [2, 3] where node.role == .candidate {
            receive(from: ReplicaID(UInt64(voter)), term: node.term, .voteResponse(granted: true))
        }
    }

    /// Every message of the last step, both those that left and those that wait for the disk.
    var messages: [Message] { sent + waiting }

    var sent: [Message] {
        effects.compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    var waiting: [Message] { persisted?.messages ?? [] }

    var persisted: Persist? {
        effects.compactMap { if case .persist(let persist) = $0 { persist } else { nil } }.last
    }

    var logTerms: [UInt64] {
        node.lastIndex == 0 ? [] : (1...node.lastIndex.rawValue).map { node.term(at: LogIndex($0))!.rawValue }
    }
}

func headers(_ terms: [UInt64]) -> [EntryHeader] {
    terms.map { EntryHeader(term: Term($0), payloadBytes: 1, kind: .command) }
}

extension ReplicaID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) { self.init(value) }
}

extension LogIndex: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) { self.init(value) }
}

extension Term: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) { self.init(value) }
}
