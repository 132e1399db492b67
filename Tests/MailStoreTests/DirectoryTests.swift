import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// What the directory holds of nodes and of the cluster's version.
@Suite struct DirectoryTests {
    private let store = MemoryStateStore()
    private let applier: MailApplier
    private var index: UInt64 = 0

    init() throws {
        applier = MailApplier(store: store)
        try applier.open(.directory)
    }

    private mutating func apply(_ command: DirectoryCommand, at time: Int64 = 1) throws -> MailOutcome {
        index += 1
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: index),
            settledBelow: index,
            timestamp: Timestamp(milliseconds: time),
            account: AccountID(0),
            command: .directory(command)
        )
        return try applier.apply(
            group: .directory,
            index: LogIndex(index),
            term: Term(1),
            payload: envelope.encoded()
        ).1
    }

    /// - Parameter run: nil for a run of its own.
    private mutating func register(
        _ id: UInt64,
        _ oldest: UInt8,
        _ newest: UInt8,
        run: UInt64? = nil
    ) throws -> MailOutcome {
        let versions = KnownVersions(ClusterVersion(rawValue: oldest), ClusterVersion(rawValue: newest))
        let node = NodeDescription(id: id, peerAddress: "a", labels: [], versions: versions)
        return try apply(.registerNode(node, run: run ?? index + 1))
    }

    private mutating func raise(to version: UInt8) throws -> MailOutcome {
        try apply(.raiseVersion(ClusterVersion(rawValue: version)))
    }

    private let found = DirectoryCommand.found(
        clusterID: 7,
        mailGroups: 3,
        version: .first,
        founders: (1...3).map { Founder(node: NodeID($0), directory: 10 * $0) }
    )

    @Test mutating func beforeTheFounding() throws {
        #expect(try register(1, 1, 2) == .refused(.notHere))
        #expect(try raise(to: 2) == .refused(.notHere))
        #expect(try apply(found) == .done)
        #expect(try raise(to: 2) == .refused(.unsupportedVersion), "nobody is there who knows it")
        // The first founding stays.
        let other = DirectoryCommand.found(
            clusterID: 8,
            mailGroups: 9,
            version: ClusterVersion(rawValue: 5),
            founders: []
        )
        #expect(try apply(other) == .done)
        try applier.commit()
        let cluster = try #require(try MailReader(store: store).directory())
        #expect(cluster.founding.clusterID == 7)
        #expect(cluster.version == .first)
    }

    /// What an earlier run of a node has sent may come late: it must not stand for what the present one knows.
    @Test mutating func aLateRegistrationIsVoid() throws {
        #expect(try apply(found) == .done)
        #expect(try register(1, 1, 1, run: 2) == .done)
        #expect(try register(1, 1, 2, run: 1) == .refused(.staleRegistration))
        #expect(try register(1, 1, 2, run: 2) == .refused(.staleRegistration), "one of two with the same number")
        #expect(try raise(to: 2) == .refused(.unsupportedVersion))
        try applier.commit()
        #expect(try MailReader(store: store).registeredRun(of: NodeID(1)) == 2)
        #expect(try MailReader(store: store).registeredRun(of: NodeID(9)) == 0)
        #expect(try register(1, 1, 2, run: 3) == .done)
        #expect(try raise(to: 2) == .done)
    }

    @Test mutating func theVersionRisesByOneWhenAllKnowTheNext() throws {
        #expect(try apply(found) == .done)
        #expect(try register(1, 1, 2) == .done)
        #expect(try register(2, 1, 1) == .done)
        #expect(try raise(to: 2) == .refused(.unsupportedVersion))
        // In the same batch: what was registered just now counts.
        #expect(try register(2, 1, 3) == .done)
        #expect(try raise(to: 3) == .refused(.unsupportedVersion), "not two at once")
        #expect(try raise(to: 2) == .done)
        #expect(try raise(to: 2) == .done)
        #expect(try raise(to: 1) == .done, "never back")
        try applier.commit()
        let cluster = try #require(try MailReader(store: store).directory())
        #expect(cluster.version == ClusterVersion(rawValue: 2))
        #expect(cluster.nextVersion == nil)
        #expect(try register(1, 1, 1) == .refused(.unsupportedVersion))
        #expect(try register(3, 3, 4) == .refused(.unsupportedVersion))
        #expect(try register(1, 2, 3) == .done)
        try applier.commit()
        #expect(try MailReader(store: store).directory()?.nextVersion == ClusterVersion(rawValue: 3))
    }

    // MARK: Nodes that come and go

    private func directory() throws -> Directory {
        try applier.commit()
        return try #require(try MailReader(store: store).directory())
    }

    private let token = JoinToken(
        id: JoinTokenID(rawValue: 5),
        secretHash: Array(repeating: 7, count: 32),
        expires: Timestamp(milliseconds: 100),
        uses: 2
    )
    private static let both = KnownVersions(.first, ClusterVersion(rawValue: 2))
    private func admission(of directory: UInt64, secret: UInt8 = 7, versions: KnownVersions = .current)
        -> DirectoryCommand
    {
        let proof = JoinTokenProof(id: token.id, secretHash: Array(repeating: secret, count: 32))
        let node = NodeDescription(id: 0, peerAddress: "host:\(directory)", labels: [], versions: versions)
        return .admitNode(directory: directory, proof, node)
    }

    @Test mutating func aTokenLetsInAsManyAsItSays() throws {
        #expect(try apply(found) == .done)
        #expect(try apply(admission(of: 1)) == .refused(.tokenRefused), "there is none")
        #expect(try apply(.addToken(token)) == .done)
        #expect(try apply(admission(of: 1, secret: 8)) == .refused(.tokenRefused), "another secret")
        #expect(try apply(admission(of: 1), at: 100) == .refused(.tokenRefused), "it has ended")
        #expect(try apply(admission(of: 1), at: 99) == .nodeAdmitted(NodeID(4)))
        // Asked again, by a node that has not heard the answer: the same one, and no use of the token.
        #expect(try apply(admission(of: 1, secret: 8), at: 200) == .nodeAdmitted(NodeID(4)))
        #expect(try apply(admission(of: 2)) == .nodeAdmitted(NodeID(5)))
        #expect(try apply(admission(of: 3)) == .refused(.tokenRefused), "used up")
        let late = KnownVersions(ClusterVersion(rawValue: 2), ClusterVersion(rawValue: 3))
        #expect(try apply(admission(of: 4, versions: late)) == .refused(.unsupportedVersion))
        let nodes = try directory().nodes
        #expect(nodes.map(\.id) == [NodeID(4), NodeID(5)])
        #expect(nodes.map(\.description.peerAddress) == ["host:1", "host:2"])
        #expect(nodes.allSatisfy { $0.state == .joining })
        #expect(try MailReader(store: store).joinTokens().map(\.uses) == [0])
        #expect(try apply(.removeToken(token.id)) == .done)
        #expect(try apply(.removeToken(token.id)) == .done)
        try applier.commit()
        #expect(try MailReader(store: store).joinTokens().isEmpty)
    }

    @Test mutating func tokensThatHaveEndedMakeRoom() throws {
        #expect(try apply(found) == .done)
        for number in 0..<JoinToken.maximumCount {
            let id = JoinTokenID(rawValue: UInt64(100 + number))
            let ends = Timestamp(milliseconds: number == 0 ? 50 : 100)
            #expect(
                try apply(.addToken(JoinToken(id: id, secretHash: token.secretHash, expires: ends, uses: 1))) == .done
            )
        }
        #expect(try apply(.addToken(token), at: 49) == .refused(.tooManyEntries))
        #expect(try apply(.addToken(token), at: 50) == .done)
        try applier.commit()
        #expect(try MailReader(store: store).joinTokens().count == JoinToken.maximumCount)
    }

    @Test mutating func whoWasAdmittedRegisters() throws {
        #expect(try apply(found) == .done)
        #expect(try register(4, 1, 1) == .refused(.noSuchNode), "neither a founder nor admitted")
        #expect(try apply(.addToken(token)) == .done)
        #expect(try apply(admission(of: 44)) == .nodeAdmitted(NodeID(4)))
        #expect(try register(4, 1, 1) == .done)
        let node = try #require(try directory().node(NodeID(4)))
        #expect(node.state == .active && node.directory == 44)
    }

    /// A node that is gone for good comes back under no number, and holds no version back.
    @Test mutating func aForgottenNodeIsForgottenForEver() throws {
        #expect(try apply(found) == .done)
        for node: UInt64 in 1...3 { #expect(try register(node, 1, node == 3 ? 1 : 2) == .done) }
        #expect(try apply(.addToken(token)) == .done)
        #expect(try apply(admission(of: 44, versions: Self.both)) == .nodeAdmitted(NodeID(4)))
        #expect(try apply(.setNodeState(NodeID(9), .cordoned)) == .refused(.noSuchNode))
        #expect(try apply(.setNodeState(NodeID(3), .forgotten)) == .refused(.notFromHere))
        #expect(try raise(to: 2) == .refused(.unsupportedVersion))
        for state in [NodeState.draining, .drained, .decommissioning, .decommissioned, .forgotten] {
            #expect(try apply(.setNodeState(NodeID(3), state)) == .done)
            #expect(try apply(.setNodeState(NodeID(3), state)) == .done, "said twice")
        }
        #expect(try apply(.setNodeState(NodeID(3), .active)) == .refused(.notFromHere))
        #expect(try register(3, 1, 2) == .refused(.noSuchNode))
        #expect(try raise(to: 2) == .done)
        for state in [NodeState.decommissioning, .decommissioned, .forgotten] {
            #expect(try apply(.setNodeState(NodeID(4), state)) == .done)
        }
        #expect(try apply(admission(of: 44)) == .refused(.noSuchNode))
        #expect(try apply(admission(of: 45, versions: Self.both)) == .nodeAdmitted(NodeID(5)))
        #expect(try directory().members == [1, 2, 5].map { NodeID($0) })
    }

    /// From nowhere a state is left that is not meant to be left, and each can be reached.
    @Test func everyStateHasItsWays() {
        for state in NodeState.allCases {
            #expect(NodeState.forgotten.mayBecome(state) == (state == .forgotten))
            #expect(state == .joining || NodeState.allCases.contains { $0 != state && $0.mayBecome(state) })
        }
        #expect(!NodeState.active.mayBecome(.decommissioned), "its replicas move away first")
    }

    // MARK: Groups and slots

    @Test mutating func whatWasFoundedNeedsNoRows() throws {
        #expect(try apply(found) == .done)
        let known = try directory()
        #expect(known.groups.map(\.id) == (0...3).map { GroupID($0) })
        #expect(known.groups.map(\.slots) == [0, 5_462, 5_461, 5_461])
        #expect(known.groups.allSatisfy { $0.placing.voters == (1...3).map { NodeID($0) } })
        #expect(known.groups.map(\.placing.preferredLeader) == [1, 2, 3, 1].map { NodeID($0) })
        for number in 0..<Slot.count {
            let slot = Slot(rawValue: UInt16(number))
            #expect(known.place(of: slot) == Place(group: known.founding.group(of: slot), epoch: 1))
        }
    }

    @Test(arguments: [1, 2, 3, 7, 8, 100, 5_000, 16_383, 16_384] as [UInt32])
    mutating func slotsAreCounted(_ groups: UInt32) throws {
        #expect(try apply(.found(clusterID: 1, mailGroups: groups, version: .first, founders: [])) == .done)
        let known = try directory()
        let counted = Dictionary(grouping: (0..<Slot.count).map { known.place(of: Slot(rawValue: UInt16($0))).group }) {
            $0
        }
        for group in known.groups { #expect(Int(group.slots) == counted[group.id]?.count ?? 0) }
    }

    @Test mutating func aGroupComesAndGoes() throws {
        let placing = Placing(voters: [NodeID(1), NodeID(2)], preferredLeader: NodeID(2))
        #expect(try apply(found) == .done)
        #expect(try apply(.addGroup(pool: "paid", placing)) == .refused(.noSuchNode), "nobody has registered")
        for node: UInt64 in 1...3 { #expect(try register(node, 1, 1) == .done) }
        #expect(try apply(.addGroup(pool: "paid", Placing(voters: []))) == .refused(.notFromHere))
        #expect(try apply(.addGroup(pool: "paid", placing)) == .groupAdded(GroupID(4)))
        #expect(try apply(.addGroup(pool: "paid", placing)) == .groupAdded(GroupID(5)), "each has its number")
        #expect(try apply(.removeGroup(GroupID(4))) == .done)
        #expect(try apply(.removeGroup(GroupID(4))) == .done, "said twice")
        #expect(try apply(.placeGroup(GroupID(4), placing, replacing: nil)) == .refused(.noSuchGroup))
        #expect(try apply(.removeGroup(GroupID(1))) == .refused(.notFromHere), "it serves slots")
        #expect(try apply(.removeGroup(.directory)) == .refused(.notFromHere))
        #expect(try apply(.addGroup(pool: "paid", placing)) == .groupAdded(GroupID(6)), "no number is used again")
        let known = try directory()
        #expect(known.groups.map(\.id) == [0, 1, 2, 3, 5, 6].map { GroupID($0) })
        #expect(known.group(GroupID(5))?.placing == placing)
        #expect(known.group(GroupID(4)) == nil)
        #expect([3, 4, 5, 7].map { known.hasRemoved(GroupID($0)) } == [false, true, false, false])
        #expect(try apply(.removeGroup(GroupID(6))) == .done)
        #expect(try directory().lastGroup == GroupID(6) && directory().hasRemoved(GroupID(6)))
    }

    /// Its nodes begin it with the replicas that the directory names, which belong to their data directories.
    @Test mutating func aGroupBeginsWithAVoterOnEachOfItsNodes() throws {
        #expect(try apply(found) == .done)
        for node: UInt64 in 1...3 { #expect(try register(node, 1, 1) == .done) }
        #expect(try apply(.addToken(token)) == .done)
        #expect(try apply(admission(of: 44)) == .nodeAdmitted(NodeID(4)))
        let placing = Placing(voters: [2, 4].map { NodeID($0) }, preferredLeader: NodeID(4))
        #expect(try apply(.addGroup(pool: "paid", placing)) == .refused(.nodeTakesNothing), "it has said nothing yet")
        #expect(try register(4, 1, 1) == .done)
        #expect(try apply(.addGroup(pool: "paid", placing)) == .groupAdded(GroupID(4)))
        let record = try #require(try directory().group(GroupID(4)))
        #expect(record.membersIndex == .zero && record.slots == 0 && record.epoch == 1 && record.pool == "paid")
        let group = GroupID(4)
        #expect(
            record.members.members
                == [
                    Member(replica: Founder.replica(of: group, in: 20, 0), node: NodeID(2), priority: 100),
                    Member(replica: Founder.replica(of: group, in: 44, 0), node: NodeID(4), priority: 200),
                ].sorted { $0.replica < $1.replica }
        )
        #expect(record.members.voterNodes == placing.voters && record.members.learners.isEmpty)
        #expect(try apply(.reportMembers(group, at: LogIndex(1), record.members)) == .done)
        #expect(try directory().group(group)?.membersIndex == LogIndex(1))
        #expect(try apply(.setNodeState(NodeID(2), .cordoned)) == .done)
        #expect(try apply(.addGroup(pool: "paid", placing)) == .refused(.nodeTakesNothing))
    }

    @Test mutating func slotsGoToAnotherGroup() throws {
        #expect(try apply(found) == .done)
        let range = try #require(SlotRange(first: Slot(rawValue: 5_000), count: 1_000))
        #expect(try apply(.assignSlots(range, to: GroupID(4))) == .refused(.noSuchGroup))
        #expect(try apply(.assignSlots(range, to: .directory)) == .refused(.noSuchGroup))
        #expect(try apply(.assignSlots(range, to: GroupID(3))) == .done)
        #expect(try apply(.assignSlots(range, to: GroupID(3))) == .done, "said twice")
        let known = try directory()
        #expect(known.groups.map(\.slots) == [0, 5_000, 5_461 - 538, 5_461 + 1_000])
        #expect(known.groups.map(\.epoch) == [1, 2, 2, 2])
        for number in 0..<Slot.count {
            let slot = Slot(rawValue: UInt16(number))
            let group = (5_000..<6_000).contains(number) ? GroupID(3) : known.founding.group(of: slot)
            #expect(known.place(of: slot).group == group)
        }
        #expect(SlotRange(first: Slot(rawValue: 16_000), count: 385) == nil)
        #expect(SlotRange(first: Slot(rawValue: 0), count: 1_025) == nil)
        #expect(SlotRange(first: Slot(rawValue: 0), count: 0) == nil)
    }

    /// A report that was held up says nothing of what came behind it.
    @Test mutating func membersAreTheNewestThatWereHeardOf() throws {
        #expect(try apply(found) == .done)
        func configuration(_ node: UInt64) -> Configuration {
            Configuration(voters: [Member(replica: ReplicaID(node), node: NodeID(node))])
        }
        #expect(try apply(.reportMembers(GroupID(1), at: LogIndex(9), configuration(1))) == .done)
        #expect(try apply(.reportMembers(GroupID(1), at: LogIndex(8), configuration(2))) == .done)
        #expect(try apply(.reportMembers(GroupID(1), at: LogIndex(9), configuration(3))) == .done)
        #expect(try directory().group(GroupID(1))?.holders == [NodeID(1)])
        #expect(try apply(.reportMembers(GroupID(9), at: LogIndex(9), configuration(1))) == .refused(.noSuchGroup))
    }
}
