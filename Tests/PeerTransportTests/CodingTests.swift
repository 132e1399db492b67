import Consensus
import MailModel
import NIOCore
import ReplicaCore
import Testing

@testable import PeerTransport

@Suite struct MessageCodingTests {
    static func encode(_ messages: [PeerMessage]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for message in messages { message.encode(into: &buffer) }
        return buffer
    }

    @Test func everyMessageRoundTrips() throws {
        for message in Samples.messages {
            let decoded = try Frame.messages(in: Self.encode([message]))
            #expect(decoded.map(describe) == [describe(message)])
        }
        let all = try Frame.messages(in: Self.encode(Samples.messages))
        #expect(all.map(describe) == Samples.messages.map(describe))
    }

    /// The samples cover every tag, of messages and of Raft's.
    @Test func everyTagHasASample() {
        let encoded = Samples.messages.map { Array(Self.encode([$0]).readableBytesView) }
        #expect(Set(encoded.map { $0[0] }).sorted() == Array(1...23))
        // Tag, group, from, to, term, durable index.
        #expect(Set(encoded.filter { $0[0] == 1 }.map { $0[1 + 4 + 32] }).sorted() == Array(1...12))
    }

    @Test func everyTruncationIsAnError() {
        for message in Samples.messages {
            let whole = Self.encode([message])
            for length in 1..<whole.readableBytes {
                #expect(throws: DecodingError.self) {
                    try Frame.messages(in: whole.getSlice(at: 0, length: length) ?? ByteBuffer())
                }
            }
        }
    }

    /// Who is told opens a connection to each.
    @Test func contactsAreLimited() {
        let contacts = (0...JoinContact.maximumCount).map { JoinContact(node: NodeID(UInt64($0)), address: "a:1") }
        let error = #expect(throws: DecodingError.self) {
            try Frame.messages(in: Self.encode([.contacts(contacts)]))
        }
        #expect(error?.reason == .outOfRange)
    }

    @Test func unknownTagsAreNamed() {
        for tag in [0, 24, 255] as [UInt8] {
            var buffer = ByteBuffer(repeating: 0, count: 100)
            buffer.setInteger(tag, at: 0)
            let error = #expect(throws: DecodingError.self) { try Frame.messages(in: buffer) }
            #expect(error?.reason == .unknownTag(UInt64(tag)))
            buffer = Self.encode([Samples.replica(.timeoutNow)])
            buffer.setInteger(tag, at: 1 + 4 + 32)
            #expect(throws: DecodingError.self) { try Frame.messages(in: buffer) }
        }
    }

    /// Behind the decoder nobody asks whether an index or a term can be added to.
    @Test func positionsThatNoLogReachesAreRefused() {
        let index = LogIndex(LogIndex.maximum.rawValue + 1)
        let term = Term(Term.maximum.rawValue + 1)
        let point = SnapshotPoint(index: LogIndex(1), term: Term(1), configuration: Samples.plain)
        func append(_ previous: LogIndex, _ previousTerm: Term, _ entry: Term, _ commit: LogIndex) -> Message.Body {
            let entries = Samples.payloads.map {
                EntryHeader(term: entry, payloadBytes: UInt32($0.readableBytes), kind: .command)
            }
            return .appendEntries(
                AppendEntries(
                    previousIndex: previous,
                    previousTerm: previousTerm,
                    entries: entries,
                    commitIndex: commit
                )
            )
        }
        let bodies: [Message.Body] = [
            .preVote(lastIndex: index, lastTerm: .zero), .preVote(lastIndex: .zero, lastTerm: term),
            .requestVote(lastIndex: index, lastTerm: .zero, byTransfer: false),
            .requestVote(lastIndex: .zero, lastTerm: term, byTransfer: false),
            append(index, .zero, .zero, .zero), append(.zero, term, .zero, .zero),
            append(.zero, .zero, term, .zero), append(.zero, .zero, .zero, index),
            .appendAccepted(matchIndex: index),
            .appendRejected(previousIndex: index, hintIndex: .zero, hintTerm: .zero),
            .appendRejected(previousIndex: .zero, hintIndex: index, hintTerm: .zero),
            .appendRejected(previousIndex: .zero, hintIndex: .zero, hintTerm: term),
            .heartbeat(commitIndex: index, readSequence: 0), .snapshotRejected(index: index),
            .installSnapshot(SnapshotPoint(index: index, term: .zero, configuration: Samples.plain)),
            .installSnapshot(SnapshotPoint(index: .zero, term: term, configuration: Samples.plain)),
        ]
        let future = Message(from: ReplicaID(1), to: ReplicaID(2), term: term, body: .timeoutNow)
        let messages: [PeerMessage] =
            bodies.map(Samples.replica) + [
                .replica(ReplicaMessage(group: GroupID(1), message: future, payloads: [])),
                .readIndexReply(group: GroupID(1), id: 1, index: index),
                .snapshotPull(SnapshotPull(group: GroupID(1), transfer: 1, atLeast: index, term: Term(1), after: [])),
                .snapshotPiece(
                    SnapshotPiece(
                        group: GroupID(1),
                        transfer: 1,
                        point: SnapshotPoint(index: index, term: point.term, configuration: point.configuration),
                        content: .refused
                    )
                ),
            ]
        for message in messages {
            let error = #expect(throws: DecodingError.self) { try Frame.messages(in: Self.encode([message])) }
            #expect(error?.reason == .outOfRange, "\(describe(message))")
        }
    }

    @Test func aFrameOfVeryManyMessagesIsRefused() throws {
        let one = Self.encode([.readIndex(group: GroupID(1), id: 1)])
        var body = ByteBuffer()
        for _ in 0..<PeerLimits.maximumFrameMessages { body.writeImmutableBuffer(one) }
        #expect(try Frame.messages(in: body).count == PeerLimits.maximumFrameMessages)
        body.writeImmutableBuffer(one)
        let error = #expect(throws: DecodingError.self) { try Frame.messages(in: body) }
        #expect(error?.reason == .tooLong)
    }

    /// Without the checksum in front: whatever gets past it must still not end the process.
    @Test func garbageNeverTraps() {
        var generator = SplitMix64(seed: 1)
        for round in 0..<20_000 {
            var bytes = ByteBuffer()
            bytes.writeInteger(UInt8(round % 20))
            for _ in 0..<Int.random(in: 0...120, using: &generator) {
                // Many small numbers: counts that are believed.
                let small = Bool.random(using: &generator)
                bytes.writeInteger(UInt8.random(in: 0...(small ? 3 : 255), using: &generator))
            }
            _ = try? Frame.messages(in: bytes)
        }
    }

    @Test func whatConcernsNoGroupNamesNone() {
        for message in Samples.messages {
            var bytes = Self.encode([message])
            // Introductions, foundings, and what is said of all groups at rest.
            guard [8, 9, 13, 14, 15].contains(bytes.readableBytesView[0]) else { continue }
            bytes.setInteger(UInt32(1), at: 1)
            #expect(throws: DecodingError.self) { try Frame.messages(in: bytes) }
        }
    }

    @Test func impossibleListsAreRefused() {
        let groups = (0...UInt32(PeerLimits.maximumRestingGroups)).map { GroupID($0) }
        #expect(throws: DecodingError.self) { try Frame.messages(in: Self.encode([.stirred(groups)])) }
        var list = Self.encode([.resting(RestList(groups: [], range: GroupID(3)...GroupID(4)))])
        list.setInteger(UInt32(5), at: 1 + 4 + 1)
        #expect(throws: DecodingError.self) { try Frame.messages(in: list) }
    }

    @Test func changedBytesNeverTrap() {
        var generator = SplitMix64(seed: 2)
        for message in Samples.messages {
            let whole = Self.encode([message])
            for _ in 0..<500 {
                var bytes = whole
                let at = Int.random(in: 0..<whole.readableBytes, using: &generator)
                bytes.setInteger(UInt8.random(in: 0...255, using: &generator), at: at)
                _ = try? Frame.messages(in: bytes)
            }
        }
    }
}

@Suite struct FrameTests {
    static let whole: ByteBuffer = {
        var buffer = ByteBuffer()
        Frame.encode(Samples.messages, into: &buffer)
        return buffer
    }()

    @Test func roundTrip() throws {
        var buffer = Self.whole
        let body = try #require(try Frame.next(from: &buffer))
        #expect(buffer.readableBytes == 0)
        #expect(try Frame.messages(in: body).map(describe) == Samples.messages.map(describe))
    }

    /// A frame may be a megabyte: it is sealed where it stands.
    @Test func sealingCopiesNothing() {
        func address(_ buffer: ByteBuffer) -> UInt? {
            buffer.withUnsafeReadableBytes { $0.baseAddress.map { UInt(bitPattern: $0) } }
        }
        var buffer = ByteBufferAllocator().buffer(capacity: 2 * Self.whole.readableBytes)
        buffer.writeInteger(0, as: UInt8.self)
        let before = address(buffer)
        Frame.encode(Samples.messages, into: &buffer)
        #expect(address(buffer) == before)
    }

    @Test func framesBehindEachOther() throws {
        var buffer = ByteBuffer(string: "before")
        Frame.encode([Samples.messages[0]], into: &buffer)
        Frame.encode(Array(Samples.messages[1...2]), into: &buffer)
        buffer.moveReaderIndex(forwardBy: 6)
        #expect(try Frame.next(from: &buffer).map { try Frame.messages(in: $0).count } == 1)
        #expect(try Frame.next(from: &buffer).map { try Frame.messages(in: $0).count } == 2)
        #expect(try Frame.next(from: &buffer) == nil)
    }

    @Test func partOfAFrameWaitsForMore() throws {
        for length in 0..<Self.whole.readableBytes {
            var part = Self.whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(try Frame.next(from: &part) == nil)
            #expect(part.readableBytes == length)
        }
    }

    /// Every bit that may change on the way is noticed: an error, or a frame that still waits for bytes.
    @Test func everyFlippedBitIsNoticed() {
        var buffer = ByteBuffer()
        Frame.encode([Samples.messages[8]], into: &buffer)
        for bit in 0..<buffer.readableBytes * 8 {
            var changed = buffer
            let byte = buffer.readableBytesView[bit / 8] ^ (1 << UInt8(bit % 8))
            changed.setInteger(byte, at: bit / 8)
            let body = try? Frame.next(from: &changed)
            #expect(body == nil || body == .some(nil), "bit \(bit)")
        }
    }

    /// The same where a longer frame finds the bytes that it claims.
    @Test func flippedLengthsAreNoticedInAStream() {
        for bit in 0..<32 {
            var stream = ByteBuffer()
            for _ in 0..<40 { stream.writeImmutableBuffer(Self.whole) }
            stream.setInteger(stream.readableBytesView[bit / 8] ^ (1 << UInt8(bit % 8)), at: bit / 8)
            let body = try? Frame.next(from: &stream)
            #expect(body == nil || body == .some(nil), "bit \(bit)")
        }
    }

    @Test(arguments: [0, 3, UInt32(PeerLimits.maximumFrameBytes) + 1, .max])
    func impossibleLengthsAreRefusedAtOnce(_ length: UInt32) {
        var buffer = ByteBuffer(integer: length)
        let error = #expect(throws: DecodingError.self) { try Frame.next(from: &buffer) }
        #expect(error?.reason == .tooLong)
    }

    @Test func garbageNeverTraps() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<20_000 {
            var bytes = ByteBuffer()
            bytes.writeInteger(UInt32.random(in: 0...60, using: &generator))
            for _ in 0..<Int.random(in: 0...60, using: &generator) {
                bytes.writeInteger(UInt8.random(in: 0...255, using: &generator))
            }
            #expect((try? Frame.next(from: &bytes)) == nil || bytes.readableBytes > 0)
        }
    }
}

@Suite struct HelloTests {
    static let identity = PeerIdentity(cluster: 9, node: NodeID(2))

    static func body(_ hello: Hello) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        Frame.encodeHello(hello, into: &buffer)
        return try #require(try Frame.next(from: &buffer))
    }

    @Test func roundTrip() throws {
        let hello = Hello(cluster: 9, from: 1, to: 2)
        #expect(try Hello(decoding: Self.body(hello)) == hello)
        #expect(HelloAnswer.verify(hello, by: Self.identity) == .welcome)
    }

    @Test func whoIsRefused() throws {
        #expect(HelloAnswer.verify(Hello(cluster: 8, from: 1, to: 2), by: Self.identity) == .wrongCluster)
        #expect(HelloAnswer.verify(Hello(cluster: 9, from: 1, to: 3), by: Self.identity) == .wrongNode)
        var newer = Hello(cluster: 9, from: 1, to: 2)
        (newer.oldest, newer.version) = (2, 3)
        #expect(HelloAnswer.verify(newer, by: Self.identity) == .unknownVersion)
        // The next program knows what this one does.
        newer.oldest = 1
        #expect(HelloAnswer.verify(newer, by: Self.identity) == .welcome)
        (newer.oldest, newer.version) = (0, 0)
        #expect(HelloAnswer.verify(newer, by: Self.identity) == .unknownVersion)
    }

    /// A later version may say more: it must hear that its version is unknown, not see the connection break.
    @Test func aLongerHelloOfALaterVersionIsRead() throws {
        var hello = Hello(cluster: 9, from: 1, to: 2)
        (hello.oldest, hello.version) = (2, 2)
        var body = try Self.body(hello)
        body.writeString("something new")
        #expect(HelloAnswer.verify(try Hello(decoding: body), by: Self.identity) == .unknownVersion)
        var same = try Self.body(Hello(cluster: 9, from: 1, to: 2))
        same.writeString("x")
        #expect(throws: DecodingError.self) { try Hello(decoding: same) }
    }

    @Test func truncationAndOtherProtocols() throws {
        let whole = try Self.body(Hello(cluster: 9, from: 1, to: 2))
        for length in 0..<whole.readableBytes {
            let part = whole.getSlice(at: whole.readerIndex, length: length) ?? ByteBuffer()
            #expect(throws: DecodingError.self) { try Hello(decoding: part) }
        }
        #expect(throws: DecodingError.self) {
            try Hello(decoding: ByteBuffer(string: "GET / HTTP/1.1\r\nHost: localhost\r\n"))
        }
    }
}

@Suite struct VerificationCodingTests {
    private func bytes(_ message: VerificationMessage) -> ByteBuffer {
        MessageCodingTests.encode([.verification(group: GroupID(3), message)])
    }

    /// A later version is refused by its number, never misread.
    @Test func anotherVersionIsNamed() {
        for message in Samples.verifications {
            var buffer = bytes(message)
            // Tag and group stand before it.
            buffer.setInteger(2, at: 5, as: UInt8.self)
            let error = #expect(throws: DecodingError.self) { try Frame.messages(in: buffer) }
            #expect(error?.reason == .unknownVersion(2))
        }
    }

    @Test func whatNoVerificationNeedsIsRefused() {
        let id = VerificationID(1)
        let replica = ReplicaID(2)
        func query(_ after: [UInt8], _ through: [UInt8]?, _ rows: UInt32, _ bytes: UInt32) -> VerificationMessage {
            let query = RangeQuery(after: after, through: through, maximumRows: rows, maximumBytes: bytes)
            return .rangeAsk(id, replica, sequence: 1, query)
        }
        let long = [UInt8](repeating: 1, count: 4_097)
        let tooMany = RangeDigest(count: 1 << 20, sum: 0, last: [], isComplete: true)
        let bad: [VerificationMessage] = [
            query(long, nil, 1, 1), query([], long, 1, 1), query([], nil, (1 << 20) + 1, 1),
            query([], nil, 1, (1 << 30) + 1),
            .rangeAnswer(id, replica, sequence: 1, tooMany),
            .rangeAnswer(id, replica, sequence: 1, RangeDigest(count: 1, sum: 0, last: long, isComplete: true)),
            .answer(id, replica, .digest(1, .harmedBody(key: long))),
            .ask(VerificationAsk(id: id, replica: replica, index: LogIndex(.max), isScrub: false)),
        ]
        for message in bad {
            #expect(throws: DecodingError.self) { try Frame.messages(in: bytes(message)) }
        }
    }
}
