import Consensus
import MailModel
import NIOCore
import Testing

/// What nodes say of themselves.
@Suite struct NodeReportTests {
    private static let report = NodeReport(
        directoryIndex: LogIndex(9),
        capacityBytes: .max,
        freeBytes: 7,
        disk: .full,
        groups: [
            HeldGroup(group: .directory, isLeader: false, accounts: 0, bytes: 0),
            HeldGroup(group: .maximum, isLeader: true, accounts: .max, bytes: .max),
        ]
    )

    private func encode(_ report: NodeReport) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.write(report)
        return buffer
    }

    private func decode(_ buffer: ByteBuffer) throws(DecodingError) -> NodeReport {
        var decoder = WireDecoder(buffer, subject: "report")
        let report = try decoder.nodeReport()
        try decoder.finish()
        return report
    }

    @Test func roundTrip() throws {
        let empty = NodeReport(directoryIndex: .zero, capacityBytes: 0, freeBytes: 0, disk: .well, groups: [])
        for report in [Self.report, empty] { #expect(try decode(encode(report)) == report) }
        #expect(encode(Self.report).readableBytes == 8 + 8 + 8 + 1 + 4 + 2 * 17)
    }

    @Test func everyTruncationIsAnError() {
        let whole = encode(Self.report)
        for length in 0..<whole.readableBytes {
            let part = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(throws: DecodingError.self) { try decode(part) }
        }
    }

    @Test func soManyGroupsAndNoMore() throws {
        func report(_ count: Int) -> NodeReport {
            let held = HeldGroup(group: GroupID(1), isLeader: false, accounts: 1, bytes: 1)
            let groups = Array(repeating: held, count: count)
            return NodeReport(directoryIndex: .zero, capacityBytes: 1, freeBytes: 1, disk: .well, groups: groups)
        }
        let most = NodeReport.maximumGroups
        #expect(try decode(encode(report(most))).groups.count == most)
        let error = #expect(throws: DecodingError.self) { try decode(encode(report(most + 1))) }
        #expect(error?.reason == .outOfRange)
    }

    /// A count that the bytes behind it cannot hold reserves no memory.
    @Test func aCountThatCannotBeIsRefused() {
        var bytes = encode(Self.report)
        bytes.setInteger(UInt32(NodeReport.maximumGroups), at: 25)
        #expect(throws: DecodingError.self) { try decode(bytes) }
    }
}

@Suite struct NodeRecordTests {
    private func record(_ own: [Label], given: [Label]) -> NodeRecord {
        let description = NodeDescription(id: 1, peerAddress: "a", labels: own)
        return NodeRecord(description, run: 1, state: .active, directory: 1, givenLabels: given)
    }

    @Test func labelsThatCount() {
        let own = [Label(key: "vendor", value: "alfa"), Label(key: "rack", value: "1")]
        #expect(record(own, given: []).labels == ["vendor": "alfa", "rack": "1"])
        #expect(record(own, given: [Label(key: "rack", value: "2")]).labels == ["vendor": "alfa", "rack": "2"])
        #expect(record(own, given: [Label(key: "rack", value: "")]).labels == ["vendor": "alfa"])
        let new = [Label(key: "room", value: "x"), Label(key: "none", value: "")]
        #expect(record(own, given: new).labels == ["vendor": "alfa", "rack": "1", "room": "x"])
        #expect(record([], given: []).labels == [:])
        #expect(record([Label(key: "rack", value: "")], given: []).labels == [:], "an empty value is no label")
    }
}

@Suite struct NodeStateTests {
    /// Each state, whether it belongs to the cluster, must give replicas away, must lead nothing, and where it goes.
    private static let table: [(NodeState, Bool, Bool, Bool, Set<NodeState>)] = [
        (.joining, true, false, false, [.active, .decommissioning]),
        (.active, true, false, false, [.cordoned, .draining, .decommissioning]),
        (.cordoned, true, false, false, [.active, .draining, .decommissioning]),
        (.draining, true, false, true, [.active, .cordoned, .drained, .decommissioning]),
        (.drained, true, false, true, [.active, .cordoned, .draining, .decommissioning]),
        (.decommissioning, true, true, true, [.active, .cordoned, .decommissioned]),
        (.decommissioned, false, true, true, [.active, .forgotten]),
        (.forgotten, false, true, true, []),
    ]

    @Test func whatEachStateMeans() {
        #expect(Set(Self.table.map(\.0)) == Set(NodeState.allCases))
        for (state, isMember, sendsReplicasAway, handsLeadershipsOn, next) in Self.table {
            #expect(state.isMember == isMember, "\(state)")
            #expect(state.sendsReplicasAway == sendsReplicasAway, "\(state)")
            #expect(state.handsLeadershipsOn == handsLeadershipsOn, "\(state)")
            #expect(Set(NodeState.allCases.filter { state.mayBecome($0) }) == next.union([state]), "\(state)")
        }
        #expect(Set(NodeState.allCases.map(\.name)).count == NodeState.allCases.count)
    }

    /// The numbers are written down, and keep their meaning.
    @Test func numbers() {
        let states: [NodeState] = [
            .joining, .active, .cordoned, .draining, .drained, .decommissioned, .forgotten, .decommissioning,
        ]
        #expect(states.map(\.rawValue) == Array(0..<8))
        #expect(OperationState.allCases.map(\.rawValue) == [0, 1, 2, 3])
        #expect(OperationState.allCases.map(\.name) == ["running", "succeeded", "failed", "cancelled"])
    }
}

@Suite struct OperationKindTests {
    private static func move(_ group: UInt32, to node: UInt64) -> OperationKind {
        let from = Placing(voters: [NodeID(1)])
        return .moveReplicas(GroupID(group), from: from, to: Placing(voters: [NodeID(node)]))
    }

    /// Kinds in the same row cannot go on at once, others can.
    @Test func conflicts() {
        let rows: [[OperationKind]] = [
            [.drain(NodeID(1)), .decommission(NodeID(1)), .drain(NodeID(1))],
            [.drain(NodeID(2)), .decommission(NodeID(2))],
            [Self.move(1, to: 2), Self.move(1, to: 3)],
            // A node and a group with the same number are not the same.
            [Self.move(2, to: 1)],
            [.rebalance, .rebalance],
        ]
        for (row, kinds) in rows.enumerated() {
            for kind in kinds {
                for (otherRow, others) in rows.enumerated() {
                    for other in others {
                        #expect(kind.conflicts(with: other) == (row == otherRow), "\(kind), \(other)")
                    }
                }
            }
        }
    }

    @Test func whatItIsAbout() {
        #expect(OperationKind.drain(NodeID(4)).node == NodeID(4) && OperationKind.drain(NodeID(4)).group == nil)
        #expect(OperationKind.decommission(NodeID(4)).node == NodeID(4))
        #expect(Self.move(3, to: 4).group == GroupID(3) && Self.move(3, to: 4).node == nil)
        #expect(OperationKind.rebalance.node == nil && OperationKind.rebalance.group == nil)
    }
}

/// What was written by a hostile or broken node must not trap: rules check themselves.
@Suite struct PolicyCodingTests {
    private static let key = Label(key: "a", value: "b")

    /// A rule as it could be written by anybody.
    private func rule(
        voters: UInt8 = 3,
        spread: [String] = [],
        constraints: Int = 0,
        tag: UInt8 = 2,
        preferences: Int = 0,
        canaries: Int = 0
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        func write(_ text: String) {
            buffer.writeInteger(UInt32(text.utf8.count))
            buffer.writeString(text)
        }
        buffer.writeInteger(voters)
        buffer.writeInteger(UInt32(spread.count))
        for key in spread { write(key) }
        buffer.writeInteger(UInt32(constraints))
        for number in 0..<constraints {
            buffer.writeInteger(tag)
            write("key\(number)")
        }
        buffer.write(Array(repeating: Self.key, count: preferences))
        buffer.write(Array(repeating: Self.key, count: canaries))
        return buffer
    }

    private func reason(_ buffer: ByteBuffer) -> DecodingError.Reason? {
        var decoder = WireDecoder(buffer, subject: "rule")
        do throws(DecodingError) {
            _ = try decoder.placementRule()
            try decoder.finish()
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func whatIsWithinTheLimitsIsRead() {
        let keys = (0..<PlacementRule.maximumSpreadKeys).map { "key\($0)" }
        for voters: UInt8 in [1, 3, 5, 7] { #expect(reason(rule(voters: voters, spread: keys)) == nil) }
        #expect(reason(rule(constraints: PlacementRule.maximumConstraints)) == nil)
        #expect(reason(rule(preferences: PlacementRule.maximumPreferences)) == nil)
        #expect(reason(rule(canaries: PlacementRule.maximumCanaries)) == nil)
    }

    @Test func whatIsBeyondThemIsRefused() {
        for voters: UInt8 in [0, 2, 4, 6, 8, 9, 255] {
            #expect(reason(rule(voters: voters)) == .outOfRange, "\(voters) voters")
        }
        let keys = (0...PlacementRule.maximumSpreadKeys).map { "key\($0)" }
        #expect(reason(rule(spread: keys)) == .outOfRange)
        #expect(reason(rule(spread: ["a", "b", "a"])) == .outOfRange)
        #expect(reason(rule(constraints: PlacementRule.maximumConstraints + 1)) == .outOfRange)
        #expect(reason(rule(preferences: PlacementRule.maximumPreferences + 1)) == .outOfRange)
        #expect(reason(rule(canaries: PlacementRule.maximumCanaries + 1)) == .outOfRange)
        #expect(reason(rule(constraints: 1, tag: 3)) == .unknownTag(3))
    }

    /// A limit of 0 would stop the scheduler or divide by zero.
    @Test(arguments: 0..<6)
    func everyLimitIsAboveZero(_ place: Int) throws {
        var buffer = ByteBuffer()
        buffer.write(SchedulerSettings())
        var decoder = WireDecoder(buffer, subject: "settings")
        #expect(try decoder.schedulerSettings() == SchedulerSettings())
        buffer.setInteger(UInt32(0), at: 4 * place)
        decoder = WireDecoder(buffer, subject: "settings")
        #expect(throws: DecodingError.self) { try decoder.schedulerSettings() }
    }

    @Test func tooManyGivenLabelsAreRefused() {
        func bytes(_ count: Int) -> ByteBuffer {
            let labels = (0..<count).map { Label(key: "key\($0)", value: "") }
            return Samples.envelope(.directory(.setLabels(NodeID(1), labels))).encoded()
        }
        #expect(throws: Never.self) { try CommandEnvelope(decoding: bytes(NodeRecord.maximumGivenLabels)) }
        #expect(throws: DecodingError.self) { try CommandEnvelope(decoding: bytes(NodeRecord.maximumGivenLabels + 1)) }
    }

    private static let events: [NumberedEvent] = DirectoryEvent.Kind.allCases.enumerated().map { number, kind in
        NumberedEvent(
            sequence: UInt64(number + 1),
            time: Timestamp(milliseconds: Int64(number)),
            event: DirectoryEvent(
                kind,
                node: number % 2 == 0 ? NodeID(.max) : nil,
                group: number % 3 == 0 ? .maximum : nil,
                operation: number % 4 == 0 ? OperationID(rawValue: 0) : nil,
                nodes: (0..<number).map { NodeID(UInt64($0)) },
                number: UInt64(number),
                name: number % 5 == 0 ? "paid" : ""
            )
        )
    }

    @Test(arguments: events)
    func eventsRoundTrip(_ event: NumberedEvent) throws {
        var buffer = ByteBuffer()
        buffer.write(event)
        var decoder = WireDecoder(buffer, subject: "event")
        #expect(try decoder.event(sequence: event.sequence) == event)
        try decoder.finish()
        for length in 0..<buffer.readableBytes {
            var part = WireDecoder(buffer.getSlice(at: 0, length: length) ?? ByteBuffer(), subject: "event")
            #expect(throws: DecodingError.self) { try part.event(sequence: 1) }
        }
        buffer.setInteger(UInt8(99), at: 8)
        decoder = WireDecoder(buffer, subject: "event")
        #expect(throws: DecodingError.self) { try decoder.event(sequence: 1) }
    }

    @Test(arguments: OperationState.allCases)
    func operationsRoundTrip(_ state: OperationState) throws {
        let from = Placing(voters: [NodeID(1)], preferredLeader: NodeID(1))
        let kinds: [OperationKind] = [
            .drain(NodeID(.max)), .decommission(NodeID(1)), .rebalance,
            .moveReplicas(.maximum, from: from, to: Placing(voters: [], mayFormMajority: true)),
        ]
        for kind in kinds {
            let operation = OperationRecord(
                id: OperationID(rawValue: .max),
                kind: kind,
                state: state,
                began: Timestamp(milliseconds: 1),
                ended: state == .running ? nil : Timestamp(milliseconds: 2),
                work: OperationWork(replicas: .max, bytes: .max)
            )
            var buffer = ByteBuffer()
            buffer.write(operation)
            var decoder = WireDecoder(buffer, subject: "operation")
            #expect(try decoder.operation() == operation)
            try decoder.finish()
        }
    }
}
