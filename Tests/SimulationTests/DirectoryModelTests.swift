import Consensus
import MailModel
import MailStore
import StateStorage
import Testing

@testable import Simulation

/// The simulator judges the directory by a model: the model says the same as the applier, of commands that come in any
/// order.
@Suite struct DirectoryModelTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func theModelSaysWhatTheApplierSays(seed: UInt64) throws {
        var commands = RandomDirectoryCommands(seed: seed)
        var model = DirectoryModel()
        let store = MemoryStateStore()
        let applier = MailApplier(store: store)
        try applier.open(.directory)
        var outcomes: [MailOutcome: Int] = [:]
        for number in 1...UInt64(1_200) {
            let (command, time) = commands.next(model)
            let envelope = CommandEnvelope(
                request: RequestID(session: 1, sequence: number),
                settledBelow: number,
                timestamp: time,
                account: AccountID(0),
                command: .directory(command)
            )
            let applied = try applier.apply(
                group: .directory,
                index: LogIndex(number),
                term: Term(1),
                payload: envelope.encoded()
            ).1
            var outcome: MailOutcome
            do throws(Refusal) {
                outcome = try model.carryOut(command, at: time)
            } catch {
                outcome = .refused(error)
            }
            try #require(applied == outcome, "seed \(seed), command \(number): \(command)")
            outcomes[applied, default: 0] += 1
            guard number % 100 == 0 else { continue }
            try applier.commit()
            try compare(model, store, "seed \(seed), command \(number)")
        }
        #expect(outcomes[.done, default: 0] > 200, "most of it is carried out")
        for refusal in [Refusal.changedMeanwhile, .nodeTakesNothing, .noSuchOperation, .notFromHere] {
            #expect(outcomes[.refused(refusal), default: 0] > 0, "\(refusal) was met")
        }
    }

    private func compare(_ model: DirectoryModel, _ store: any StateStore, _ place: Comment) throws {
        let reader = MailReader(store: store)
        guard let directory = try reader.directory() else {
            #expect(model.founding == nil, place)
            return
        }
        try #require(directory.founding == model.founding, place)
        try #require(directory.version == model.version, place)
        try #require(directory.nodes == model.nodes.values.sorted { $0.id < $1.id }, place)
        try #require(directory.groups == model.groups.values.sorted { $0.id < $1.id }, place)
        try #require(directory.policy.rules == model.rules, place)
        try #require(directory.policy.scheduler == model.scheduler, place)
        try #require(directory.operations == model.operations.values.sorted { $0.id < $1.id }, place)
        try #require(try reader.joinTokens() == model.tokens.values.sorted { $0.id < $1.id }, place)
        for (number, group) in model.slots.enumerated() where number % 7 == 0 {
            try #require(directory.place(of: Slot(rawValue: UInt16(number))).group == group, place)
        }
    }
}

/// Commands that mostly make sense where a directory stands by now.
struct RandomDirectoryCommands {
    private var random: SplitMix64
    private var milliseconds: Int64 = 1
    private var number = 0
    private static let labels = ["alfa", "beta", ""].map { Label(key: "vendor", value: $0) }

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next(_ model: DirectoryModel) -> (DirectoryCommand, Timestamp) {
        number += 1
        milliseconds += Int64(random.below(3))
        return (number == 1 ? found : command(model), Timestamp(milliseconds: milliseconds))
    }

    private var found: DirectoryCommand {
        let founders = (1...3).map { Founder(node: NodeID($0), directory: 10 * $0) }
        return .found(clusterID: 1, mailGroups: 4, version: .first, founders: founders)
    }

    private mutating func isOne(in count: Int) -> Bool { random.below(count) == 0 }
    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[random.below(elements.count)] }
    private mutating func node() -> NodeID { NodeID(UInt64(1 + random.below(9))) }
    private mutating func group() -> GroupID { GroupID(UInt32(random.below(10))) }

    private mutating func placing() -> Placing {
        let voters = (0..<random.below(4)).map { _ in node() }
        return Placing(voters: voters, preferredLeader: voters.first, mayFormMajority: isOne(in: 6))
    }

    /// Where a group is placed by now, or anything.
    private mutating func seenPlacing(_ group: GroupID, _ model: DirectoryModel) -> Placing {
        isOne(in: 6) ? placing() : model.groups[group]?.placing ?? placing()
    }

    private mutating func command(_ model: DirectoryModel) -> DirectoryCommand {
        switch random.below(17) {
        case 0: return pick([found, .removeGroup(group()), .removeToken(JoinTokenID(rawValue: 1))])
        case 1, 2:
            return .registerNode(description(), run: UInt64(1 + random.below(40) + number / 4))
        case 3: return .raiseVersion(ClusterVersion(rawValue: UInt8(1 + random.below(3))))
        case 4: return .addToken(token())
        case 5:
            let proof = JoinTokenProof(id: JoinTokenID(rawValue: UInt64(random.below(5))), secretHash: secret)
            return .admitNode(directory: UInt64(100 + random.below(8)), proof, description())
        case 6:
            let states: [NodeState] = [.active, .active, .active] + NodeState.allCases
            return .setNodeState(node(), pick(states))
        case 7: return .addGroup(pool: isOne(in: 2) ? "paid" : "free", placing())
        case 8, 9:
            let group = group()
            let replaced = isOne(in: 3) ? nil : seenPlacing(group, model)
            return .placeGroup(group, placing(), replacing: replaced)
        case 10: return report()
        case 11:
            let first = Slot(rawValue: UInt16(random.below(Slot.count - 1_000)))
            guard let range = SlotRange(first: first, count: 1 + random.below(900)) else { return found }
            return .assignSlots(range, to: group())
        case 12: return .setRule(pool: "pool\(random.below(70))", PlacementRule(voters: pick([1, 3, 5, 7])))
        case 13: return .setScheduler(SchedulerSettings(copyMebibytesPerSecond: UInt32(random.below(3))))
        case 14: return .setLabels(node(), [pick(Self.labels), Label(key: "rack", value: "\(random.below(3))")])
        case 15: return begin(model)
        default: return end(model)
        }
    }

    private let secret = [UInt8](repeating: 3, count: 32)

    private mutating func token() -> JoinToken {
        JoinToken(
            id: JoinTokenID(rawValue: UInt64(random.below(5))),
            secretHash: secret,
            expires: Timestamp(milliseconds: milliseconds + Int64(random.below(200))),
            uses: UInt32(random.below(4))
        )
    }

    private mutating func description() -> NodeDescription {
        let newest = ClusterVersion(rawValue: UInt8(1 + random.below(3)))
        return NodeDescription(
            id: node().rawValue,
            peerAddress: "host:\(random.below(3))",
            labels: [pick(Self.labels)],
            versions: KnownVersions(.first, newest)
        )
    }

    private mutating func report() -> DirectoryCommand {
        let nodes = Set((0..<4).map { _ in node() }).sorted()
        let members = nodes.map { Member(replica: ReplicaID($0.rawValue * 10), node: $0) }
        let voters = members.prefix(1 + random.below(members.count)).map(\.replica)
        let configuration = Configuration(
            members: members,
            voters: voters,
            outgoingVoters: isOne(in: 4) ? [members[0].replica] : [],
            learners: members.dropFirst(voters.count).map(\.replica)
        )
        return .reportMembers(group(), at: LogIndex(UInt64(number + random.below(20))), configuration)
    }

    private mutating func operationID() -> OperationID { OperationID(rawValue: UInt64(random.below(400))) }

    private mutating func begin(_ model: DirectoryModel) -> DirectoryCommand {
        let group = group()
        let kinds: [OperationKind] = [
            .drain(node()), .decommission(node()), .rebalance,
            .moveReplicas(group, from: seenPlacing(group, model), to: placing()),
        ]
        return .beginOperation(operationID(), pick(kinds), OperationWork(replicas: 1, bytes: 2))
    }

    private mutating func end(_ model: DirectoryModel) -> DirectoryCommand {
        let running = model.operations.values.filter { $0.state == .running }.map(\.id).sorted()
        let id = running.isEmpty || isOne(in: 4) ? operationID() : pick(running)
        return .endOperation(id, pick(OperationState.allCases))
    }
}
