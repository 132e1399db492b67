import Consensus
import Foundation
import MailModel
import NIOCore
import PeerTransport
import ReplicaCore

enum Samples {
    static let plain = Configuration(voters: [
        Member(replica: ReplicaID(1), node: NodeID(1)), Member(replica: ReplicaID(2), node: NodeID(2), priority: 0),
    ])

    static let joint = Configuration(
        members: (1...5).map { Member(replica: ReplicaID($0), node: NodeID($0 + 10), priority: UInt8($0)) },
        voters: [ReplicaID(2), ReplicaID(3), ReplicaID(4)],
        outgoingVoters: [ReplicaID(1), ReplicaID(2), ReplicaID(3)],
        learners: [ReplicaID(5)]
    )

    static let payloads = [
        ByteBuffer(string: "first"), ByteBuffer(), ByteBuffer(), ByteBuffer(repeating: 0, count: 300),
    ]

    static let bodies: [Message.Body] = [
        .preVote(lastIndex: LogIndex(1), lastTerm: Term(2)),
        .preVoteResponse(granted: true), .preVoteResponse(granted: false),
        .requestVote(lastIndex: LogIndex(3), lastTerm: Term(4), byTransfer: true),
        .requestVote(lastIndex: .maximum, lastTerm: .maximum, byTransfer: false),
        .voteResponse(granted: true), .voteResponse(granted: false),
        .appendEntries(
            AppendEntries(previousIndex: .zero, previousTerm: .zero, entries: [], commitIndex: LogIndex(5))
        ),
        .appendEntries(
            AppendEntries(
                previousIndex: LogIndex(6),
                previousTerm: Term(7),
                entries: [
                    EntryHeader(term: Term(7), payloadBytes: 5, kind: .command),
                    EntryHeader(term: Term(8), payloadBytes: 0, kind: .noop),
                    EntryHeader(term: Term(8), payloadBytes: 0, kind: .configuration(joint)),
                    EntryHeader(term: Term(8), payloadBytes: 300, kind: .command),
                ],
                commitIndex: LogIndex(6)
            )
        ),
        .appendAccepted(matchIndex: LogIndex(9)),
        .appendRejected(previousIndex: LogIndex(1), hintIndex: LogIndex(2), hintTerm: Term(3)),
        .heartbeat(commitIndex: LogIndex(1), readSequence: 2),
        .heartbeatResponse(readSequence: 3),
        .installSnapshot(SnapshotPoint(index: LogIndex(1), term: Term(2), configuration: plain)),
        .installSnapshot(SnapshotPoint(index: LogIndex(1), term: Term(2), configuration: joint)),
        .snapshotRejected(index: LogIndex(4)),
        .timeoutNow,
    ]

    static func replica(_ body: Message.Body) -> PeerMessage {
        var payloads: [ByteBuffer] = []
        if case .appendEntries(let append) = body, !append.entries.isEmpty { payloads = Samples.payloads }
        return .replica(
            ReplicaMessage(
                group: GroupID(7),
                message: Message(from: ReplicaID(1), to: ReplicaID(2), term: Term(3), body: body),
                payloads: payloads,
                durableIndex: LogIndex(11)
            )
        )
    }

    static let request = RequestID(session: .max, sequence: 5)

    private static func pull(after: [UInt8]) -> SnapshotPull {
        SnapshotPull(group: GroupID(1), transfer: 2, atLeast: LogIndex(3), term: Term(2), after: after)
    }

    static let messages: [PeerMessage] =
        bodies.map(replica) + [
            .introduction(directory: .max),
            .founded([], mailGroups: 8),
            .founded(
                [Founder(node: NodeID(1), directory: 2), Founder(node: NodeID(3), directory: .max)],
                mailGroups: 1
            ),
            .recall(group: GroupID(4), replica: ReplicaID(5), run: .max),
            .testimony(
                group: GroupID(4),
                replica: ReplicaID(5),
                run: 9,
                Testimony(term: Term(6), index: LogIndex(7), entryTerm: Term(5), voteTerm: Term(3)),
                witness: ReplicaID(8)
            ),
            .testimony(group: GroupID(4), replica: ReplicaID(5), run: 0, Testimony(), witness: nil),
            .join(group: GroupID(.max), replica: ReplicaID(9)),
            .forward(group: GroupID(1), request: request, payload: ByteBuffer(string: "a command")),
            .forward(group: GroupID(.max), request: request, payload: ByteBuffer()),
            .forwardReply(group: GroupID(1), request: request, .outcome(.refused(.overQuota))),
            .forwardReply(
                group: GroupID(1),
                request: request,
                .outcome(.appended(MailboxID(1), uidValidity: 2, uid: UID(3)))
            ),
            .forwardReply(group: GroupID(1), request: request, .notLeader(NodeID(3))),
            .forwardReply(group: GroupID(1), request: request, .notLeader(nil)),
            .forwardReply(group: GroupID(1), request: request, .busy),
            .forwardReply(group: GroupID(1), request: request, .noSpace),
            .readIndex(group: GroupID(1), id: 9),
            .readIndexReply(group: GroupID(1), id: 9, index: LogIndex(8)),
            .readIndexReply(group: GroupID(1), id: 9, index: nil),
            .readIndexReply(group: GroupID(1), id: 9, index: .zero),
            .snapshotPull(pull(after: [])),
            .snapshotPull(pull(after: [0, 255])),
            .snapshotPiece(
                SnapshotPiece(
                    group: GroupID(1),
                    transfer: 2,
                    point: SnapshotPoint(index: LogIndex(3), term: Term(4), configuration: joint),
                    content: .rows(ByteBuffer(string: "rows"), checksum: .max, lastKey: [1, 2], isLast: true)
                )
            ),
            .snapshotPiece(SnapshotPiece(group: GroupID(1), transfer: 2, point: nil, content: .refused)),
            .beat(Beat(session: .max, number: 7, leading: RestDigest(sum: 1 << 63, count: 5_000), echo: nil)),
            .beat(
                Beat(
                    session: 1,
                    number: .max,
                    leading: RestDigest(),
                    echo: BeatEcho(session: 2, number: 3, agrees: true)
                )
            ),
            .resting(RestList(groups: [], range: nil)),
            .resting(RestList(groups: resting, range: nil)),
            .resting(RestList(groups: resting, range: GroupID(0)...GroupID(.max))),
            .stirred([]),
            .stirred([GroupID(1), GroupID(.max)]),
        ] + verifications.map { .verification(group: GroupID(3), $0) }
        + bodyMessages.map { .body(group: GroupID(3), $0) } + reads.map { .read(group: GroupID(3), $0) }
        + watches.map { .watch(group: GroupID(.max), $0) }
        + surveys.map { .survey($0) }
        + [
            .contacts([]),
            .contacts([JoinContact(node: NodeID(.max), address: "mail-4.example.org:5900")]),
            .stranded(group: .directory, replica: ReplicaID(.max)),
            .leftBehind(group: GroupID(4), replica: ReplicaID(1), term: Term(9)),
        ]

    private static let reads: [ReadMessage] = [
        .ask(id: .max, epoch: 7, query: ByteBuffer(string: "a query")), .ask(id: 1, epoch: .max, query: ByteBuffer()),
        .piece(id: 1, offset: 0, total: 5, ByteBuffer(string: "bytes")),
        .piece(id: 1, offset: UInt32(ReadMessage.maximumAnswerBytes - 5), total: 64 << 20, ByteBuffer(string: "bytes")),
        .more(id: 1, from: .max), .end(id: .max), .refused(id: 1, .busy), .refused(id: 1, .moved(asOf: .maximum)),
        .refused(id: 2, .tooLarge),
    ]

    private static let surveys: [SurveyMessage] = [
        .ask(id: .max),
        .report(
            id: 1,
            NodeReport(directoryIndex: .zero, capacityBytes: 0, freeBytes: 0, disk: .well, groups: [])
        ),
        .report(
            id: 2,
            NodeReport(
                directoryIndex: .maximum,
                capacityBytes: .max,
                freeBytes: 7,
                disk: .slow,
                groups: [
                    HeldGroup(group: .directory, isLeader: true, accounts: 0, bytes: 0),
                    HeldGroup(group: .maximum, isLeader: false, accounts: .max, bytes: .max),
                ]
            )
        ),
        .handOver(GroupID(3), to: NodeID(.max)),
    ]

    private static let watches: [WatchMessage] = [
        .ask(id: .max, []), .ask(id: 1, [AccountID(1), AccountID(.max)]), .watching(id: 2), .refused(id: 3),
        .changed([]), .changed([AccountID(5)]), .allChanged,
    ]

    private static let bodyMessages: [BodyMessage] = [
        .ask(id: .max, BodyChunk(account: AccountID(.max), body: BodyID(high: 1, low: .max), index: 7)),
        .answer(id: 1, nil), .answer(id: 1, ByteBuffer()), .answer(id: 1, ByteBuffer(string: "bytes")),
    ]

    private static let id = VerificationID(.max)
    private static let whole = RangeQuery(after: [], through: nil, maximumRows: 1, maximumBytes: 1 << 30)
    private static let part = RangeQuery(after: [7, 1], through: [7, 2], maximumRows: 1 << 20, maximumBytes: 0)
    private static let run = RangeDigest(count: 5, sum: .max, last: [7, 2], isComplete: true)

    static let statuses: [VerificationStatus] = [
        .waiting, .unavailable, .givenUp, .digest(.max, .none), .digest(7, .running(bytes: 1 << 40)),
        .digest(7, .intact), .digest(7, .harmed(sum: 8)), .digest(7, .harmedBody(key: [11, 0, 255])),
        .digest(7, .unfinished),
    ]

    static let verifications: [VerificationMessage] =
        statuses.map { .answer(id, ReplicaID(2), $0) } + [
            .ask(VerificationAsk(id: id, replica: ReplicaID(2), index: .maximum, isScrub: true)),
            .ask(VerificationAsk(id: id, replica: ReplicaID(2), index: LogIndex(3), isScrub: false)),
            .rangeAsk(id, ReplicaID(2), sequence: 4, whole),
            .rangeAsk(id, ReplicaID(2), sequence: 0, part),
            .rangeAnswer(id, ReplicaID(2), sequence: .max, nil),
            .rangeAnswer(id, ReplicaID(2), sequence: 0, run),
            .verdict(id, ReplicaID(2), .agrees),
            .verdict(id, ReplicaID(2), .suspect),
            .verdict(id, ReplicaID(2), .condemned(digest: 9)),
        ]

    static let resting = [
        RestingGroup(
            group: GroupID(1),
            leadership: Leadership(leader: ReplicaID(2), term: Term(3), lastIndex: LogIndex(4))
        ),
        RestingGroup(
            group: GroupID(.max),
            leadership: Leadership(leader: ReplicaID(.max), term: Term(.max), lastIndex: LogIndex(.max))
        ),
    ]
}

/// Everything that a message says, as text: what two messages are compared by.
func describe(_ message: PeerMessage) -> String {
    var text = ""
    dump(bytesOnly(message), to: &text)
    return text
}

/// One value however many bytes there are: an array of a megabyte takes `dump` seconds.
private func text(of bytes: ByteBuffer) -> String { Data(bytes.readableBytesView).base64EncodedString() }

/// Buffers are compared by their bytes, not by where these lie in memory.
private func bytesOnly(_ message: PeerMessage) -> [Any] {
    switch message {
    case .replica(let inner):
        ["replica", inner.group, inner.message, inner.durableIndex, inner.payloads.map { text(of: $0) }]
    case .forward(let group, let request, let payload):
        ["forward", group, request, text(of: payload)]
    case .forwardReply(let group, let request, let result): ["reply", group, request, result]
    case .readIndex(let group, let id): ["read", group, id]
    case .readIndexReply(let group, let id, let index): ["read reply", group, id, index.map { [$0] } ?? []]
    case .snapshotPull(let pull): ["pull", pull]
    case .introduction(let directory): ["introduction", directory]
    case .founded(let founders, let mailGroups): ["founded", founders, mailGroups]
    case .recall(let group, let replica, let run): ["recall", group, replica, run]
    case .testimony(let group, let replica, let run, let testimony, let witness):
        ["testimony", group, replica, run, testimony, witness.map { [$0] } ?? []]
    case .join(let group, let replica): ["join", group, replica]
    case .snapshotPiece(let piece):
        switch piece.content {
        case .rows(let rows, let checksum, let lastKey, let isLast):
            [
                "piece", piece.group, piece.transfer, piece.point.map { [$0] } ?? [], text(of: rows),
                checksum, lastKey, isLast,
            ]
        case .refused: ["refused", piece.group, piece.transfer, piece.point.map { [$0] } ?? []]
        }
    case .beat(let beat): ["beat", beat]
    case .resting(let list):
        ["resting", list.groups, list.range.map { [$0.lowerBound, $0.upperBound] } ?? []]
    case .stirred(let groups): ["stirred", groups]
    case .verification(let group, let message): ["verification", group, message]
    case .body(let group, .ask(let id, let chunk)): ["body", group, id, chunk]
    case .body(let group, .answer(let id, let bytes)):
        ["bytes", group, id, bytes.map { [text(of: $0)] } ?? []]
    case .read(let group, .ask(let id, let epoch, let query)): ["question", group, id, epoch, text(of: query)]
    case .read(let group, .piece(let id, let offset, let total, let bytes)):
        ["answer", group, id, offset, total, text(of: bytes)]
    case .read(let group, let message): ["read", group, message]
    case .watch(let group, let message): ["watch", group, message]
    case .survey(let message): ["survey", message]
    case .stranded(let group, let replica): ["stranded", group, replica]
    case .contacts(let contacts): ["contacts", contacts.map { [$0.node, $0.address] }]
    case .leftBehind(let group, let replica, let term): ["left behind", group, replica, term]
    }
}
