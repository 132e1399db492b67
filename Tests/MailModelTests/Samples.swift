import Consensus
import MailModel
import NIOCore

func name(_ text: String) -> MailboxName {
    guard let name = try? MailboxName(text) else { preconditionFailure("\(text) is no mailbox name") }
    return name
}

func uids(_ ranges: ClosedRange<UInt32>...) -> UIDSet { UIDSet(ranges: ranges) }

enum Samples {
    static let address: AccountAddress = {
        guard let address = AccountAddress("anna@example.org") else { preconditionFailure("a good address") }
        return address
    }()

    static let message = NewMessage(
        bodyID: BodyID(high: 1 << 63, low: .max),
        internalDate: InternalDate(seconds: -1, zoneMinutes: -720),
        flags: FlagNames(system: [.seen, .draft], keywords: ["$Forwarded", "größer"]),
        sizeBytes: 5,
        summary: ByteBuffer(bytes: [0, 255, 1]),
        body: .inline(ByteBuffer(string: "a\r\n\nb"))
    )

    static let uploaded = NewMessage(
        bodyID: BodyID(milliseconds: 1_700_000_000_000, random: 7, 9),
        internalDate: InternalDate(seconds: .max, zoneMinutes: .max),
        sizeBytes: 1 << 40,
        summary: ByteBuffer(),
        body: .uploaded(chunks: .max)
    )

    static let node = NodeDescription(
        id: 3,
        peerAddress: "[::1]:14010",
        labels: [.init(key: "vendor", value: "alfa"), .init(key: "datacenter", value: "Forlì")]
    )

    static let token = JoinToken(
        id: JoinTokenID(rawValue: 9),
        secretHash: Array(1...32),
        expires: Timestamp(milliseconds: 5),
        uses: 3
    )
    static let placing = Placing(voters: [3, 1, 2].map { NodeID($0) }, preferredLeader: NodeID(2))
    static let configuration = Configuration(
        members: (1...4).map { Member(replica: ReplicaID(10 * $0), node: NodeID($0), priority: UInt8($0)) },
        voters: [10, 20].map { ReplicaID($0) },
        outgoingVoters: [20, 30].map { ReplicaID($0) },
        learners: [ReplicaID(40)]
    )
    static let slots = SlotRange(first: Slot(rawValue: 16_000), count: 384)!

    static let commands: [MailCommand] = [
        .createAccount(
            address: address,
            credential: CredentialHash(bytes: [1, 2, 0]),
            quotaBytes: 1 << 33,
            mailboxes: DefaultMailbox.standard + [DefaultMailbox(name("a/b"), use: nil)]
        ),
        .createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: []),
        .setAccountState(.active), .setAccountState(.suspended),
        .deleteAccount,
        .setCredential(CredentialHash(bytes: Array(repeating: 7, count: CredentialHash.maximumBytes))),
        .setCredential(nil),
        .setQuota(bytes: .max),
        .createMailbox(name("Entwürfe/日本"), specialUse: .drafts), .createMailbox(.inbox, specialUse: nil),
        .deleteMailbox(name("a")),
        .renameMailbox(from: .inbox, to: name("old/INBOX")),
        .setSubscribed(name("x"), true), .setSubscribed(name("x"), false),
        .deliver(message, id: DeliveryID(high: 1, low: 2)), .deliver(uploaded, id: nil),
        .append(message, to: .inbox), .append(uploaded, to: name("a/b/c")),
        .storeFlags(MailboxID(1), uids(1...1, 5...9), .replace, FlagNames(), unchangedSince: nil),
        .storeFlags(MailboxID(.max), uids(1...(.max)), .add, message.flags, unchangedSince: .maximum),
        .storeFlags(MailboxID(2), UIDSet(), .remove, FlagNames(system: .deleted), unchangedSince: .zero),
        .remove(MailboxID(1), uids(3...4)), .expunge(MailboxID(1), uids(3...4)), .expunge(MailboxID(1), UIDSet()),
        .copy(MailboxID(1), uids(3...4), to: name("a")),
        .move(MailboxID(1), uids(1...1, 3...3), to: name("b")),
        .uploadChunk(BodyID(high: 4, low: 5), index: 6, bytes: ByteBuffer(repeating: 65, count: 1_000)),
        .uploadChunk(BodyID(high: 0, low: 0), index: 0, bytes: ByteBuffer()),
        .purgeExpunged(before: Timestamp(milliseconds: 1), limit: 2),
        .purgeRequests(before: Timestamp(milliseconds: .max), limit: 0),
        .purgeDeliveries(before: Timestamp(milliseconds: .min), limit: .max),
        .purgeUploads(before: Timestamp(milliseconds: -1), from: AccountID(3), limit: 1),
        .purgeRemnant(ContentsID(4), limit: 2),
        .directory(.found(clusterID: .max, mailGroups: 4, version: .first, founders: [])),
        .directory(
            .found(
                clusterID: 1,
                mailGroups: 16_384,
                version: .first,
                founders: [Founder(node: NodeID(1), directory: 2), Founder(node: NodeID(3), directory: .max)]
            )
        ),
        .directory(.addToken(token)),
        .directory(.removeToken(token.id)),
        .directory(.admitNode(directory: 5, JoinTokenProof(id: token.id, secretHash: token.secretHash), node)),
        .directory(.setNodeState(NodeID(.max), .draining)),
        .directory(.addGroup(pool: "paid", placing)),
        .directory(.placeGroup(GroupID(7), Placing(voters: []), replacing: nil)),
        .directory(.placeGroup(.maximum, placing, replacing: Placing(voters: [NodeID(9)], mayFormMajority: true))),
        .directory(.setRule(pool: "paid", rule)),
        .directory(.setRule(pool: "default", PlacementRule())),
        .directory(
            .setScheduler(
                SchedulerSettings(
                    placement: PlacementSettings(deadAfterSeconds: 5, movesPerCluster: 7),
                    copyMebibytesPerSecond: 9,
                    pausedUntil: Timestamp(milliseconds: 8)
                )
            )
        ),
        .directory(.setLabels(NodeID(4), [Label(key: "vendor", value: "alfa"), Label(key: "rack", value: "")])),
        .directory(.beginOperation(OperationID(rawValue: .max), .drain(NodeID(1)), OperationWork())),
        .directory(
            .beginOperation(
                OperationID(rawValue: 1),
                .moveReplicas(GroupID(3), from: placing, to: Placing(voters: [NodeID(2)])),
                OperationWork(replicas: 1, bytes: .max)
            )
        ),
        .directory(.beginOperation(OperationID(rawValue: 2), .decommission(NodeID(1)), OperationWork())),
        .directory(.beginOperation(OperationID(rawValue: 3), .rebalance, OperationWork())),
        .directory(.endOperation(OperationID(rawValue: 3), .cancelled)),
        .directory(.removeGroup(GroupID(1))),
        .directory(.reportMembers(GroupID(2), at: .maximum, configuration)),
        .directory(.assignSlots(slots, to: GroupID(3))),
        .directory(.registerNode(node, run: 7)),
        .directory(.raiseVersion(ClusterVersion(rawValue: 3))),
    ]

    static let rule = PlacementRule(
        voters: 5,
        spread: ["vendor"],
        constraints: [
            .isIn(key: "a", values: ["b", "c"]), .isNotIn(key: "d", values: []), .exists(key: "e"),
        ],
        leaderPreferences: [Label(key: "datacenter", value: "milano")],
        canaries: [Label(key: "firmware", value: "9")]
    )

    static let outcomes: [MailOutcome] =
        Refusal.allCases.map { .refused($0) } + [
            .done,
            .accountCreated(AccountID(.max)),
            .mailboxCreated(MailboxID(1), uidValidity: 2),
            .appended(MailboxID(1), uidValidity: .max, uid: UID(3)),
            .flagsStored(modSeq: ModSeq(9), changed: uids(1...2), modified: uids(7...7, 9...10), surplus: 3),
            .flagsStored(modSeq: .zero, changed: UIDSet(), modified: UIDSet(), surplus: 0),
            .expunged(uids(1...(.max)), modSeq: ModSeq(1)),
            .copied(MailboxID(4), uidValidity: 5, source: uids(1...3), destination: uids(10...12)),
            .purged(10_000), .nodeAdmitted(NodeID(.max)), .groupAdded(GroupID(4)),
            .operationConflicts(OperationID(rawValue: .max)),
        ]

    static func envelope(_ command: MailCommand) -> CommandEnvelope {
        CommandEnvelope(
            request: RequestID(session: 0x0102_0304_0506_0708, sequence: 11),
            settledBelow: 10,
            timestamp: Timestamp(milliseconds: 1_700_000_000_123),
            account: AccountID(1 << 32 | 5),
            command: command
        )
    }
}
