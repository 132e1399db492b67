import Consensus
import MailModel
import NIOCore
import Testing

private func decodeOutcome(_ buffer: ByteBuffer) throws(DecodingError) -> MailOutcome {
    var decoder = WireDecoder(buffer, subject: "outcome")
    let outcome = try MailOutcome(from: &decoder)
    try decoder.finish()
    return outcome
}

private func encode(_ outcome: MailOutcome) -> ByteBuffer {
    var buffer = ByteBuffer()
    outcome.encode(into: &buffer)
    return buffer
}

@Suite struct CommandCodingTests {
    /// Where the command's tag is: version, request, settled, timestamp and account come before it.
    static let tagOffset = 1 + 8 + 8 + 8 + 8 + 8

    @Test(arguments: Samples.commands)
    func roundTrip(_ command: MailCommand) throws {
        let envelope = Samples.envelope(command)
        #expect(try CommandEnvelope(decoding: envelope.encoded()) == envelope)
    }

    /// A new case of ``MailCommand`` must get its sample: the format has no other witness.
    @Test func everyTagHasASample() {
        let tags = Set(Samples.commands.map { Samples.envelope($0).encoded().readableBytesView[Self.tagOffset] })
        let known = (0...UInt8.max).filter { tag in
            var bytes = Samples.envelope(.deleteAccount).encoded()
            bytes.setInteger(tag, at: Self.tagOffset)
            do throws(DecodingError) {
                _ = try CommandEnvelope(decoding: bytes)
                return true
            } catch {
                return error.reason != .unknownTag(UInt64(tag))
            }
        }
        #expect(tags.sorted() == known)
        #expect(
            tags.sorted() == [
                1, 2, 3, 4, 5, 10, 11, 12, 13, 20, 21, 22, 23, 24, 25, 27, 30, 40, 41, 42, 43, 44, 50, 51, 52,
                53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66,
            ]
        )
    }

    /// What is written today must be read by every later version.
    @Test func goldenBytes() {
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: 2),
            settledBelow: 3,
            timestamp: Timestamp(milliseconds: 4),
            account: AccountID(5),
            command: .expunge(MailboxID(6), uids(7...9))
        )
        let bytes: [UInt8] =
            [1] + [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 2] + [0, 0, 0, 0, 0, 0, 0, 3]
            + [0, 0, 0, 0, 0, 0, 0, 4] + [0, 0, 0, 0, 0, 0, 0, 5] + [23] + [0, 0, 0, 6] + [0, 0, 0, 1]
            + [0, 0, 0, 7] + [0, 0, 0, 9]
        #expect(Array(envelope.encoded().readableBytesView) == bytes)
    }

    @Test(arguments: Samples.commands)
    func everyTruncationIsAnError(_ command: MailCommand) {
        let whole = Samples.envelope(command).encoded()
        for length in 0..<whole.readableBytes {
            let part = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(throws: DecodingError.self) { try CommandEnvelope(decoding: part) }
        }
        var longer = whole
        longer.writeInteger(0, as: UInt8.self)
        #expect { try CommandEnvelope(decoding: longer) } throws: {
            ($0 as? DecodingError)?.reason == .trailingBytes
        }
    }

    @Test(arguments: [0, 2, 255] as [UInt8])
    func unknownVersionsAreNamed(_ version: UInt8) {
        var bytes = Samples.envelope(.deleteAccount).encoded()
        bytes.setInteger(version, at: 0)
        let error = #expect(throws: DecodingError.self) { try CommandEnvelope(decoding: bytes) }
        #expect(error?.reason == .unknownVersion(UInt64(version)))
        #expect(error?.description == "command: unknownVersion(\(version)) at byte 1")
    }

    /// A program that knows two versions reads both, and says which it writes.
    @Test func neighbouringVersions() throws {
        let envelope = Samples.envelope(.deleteAccount)
        let second = ClusterVersion(rawValue: 2)
        for version in [ClusterVersion.first, second] {
            let bytes = envelope.encoded(in: version)
            #expect(bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == version.rawValue)
            #expect(try CommandEnvelope(decoding: bytes, upTo: second) == envelope)
        }
        #expect(throws: DecodingError.self) { try CommandEnvelope(decoding: envelope.encoded(in: second)) }
    }

    @Test(arguments: [0, 6, 28, 67, 255] as [UInt8])
    func unknownTagsAreNamed(_ tag: UInt8) {
        var bytes = Samples.envelope(.deleteAccount).encoded()
        bytes.setInteger(tag, at: Self.tagOffset)
        let error = #expect(throws: DecodingError.self) { try CommandEnvelope(decoding: bytes) }
        #expect(error?.reason == .unknownTag(UInt64(tag)))
    }

    /// Anything may come back from a damaged disk: it is refused or read, and the process lives.
    @Test func garbageNeverTraps() {
        var generator = SplitMix64(seed: 1)
        var refused = 0
        for round in 0..<20_000 {
            var bytes = generator.bytes(Int.random(in: 0...200, using: &generator))
            if bytes.readableBytes > Self.tagOffset {
                bytes.setInteger(1, at: 0, as: UInt8.self)
                bytes.setInteger(UInt8(round % 52), at: Self.tagOffset)
            }
            if (try? CommandEnvelope(decoding: bytes)) == nil { refused += 1 }
        }
        #expect(refused > 10_000)
    }

    @Test func changedBytesNeverTrap() {
        var generator = SplitMix64(seed: 2)
        for command in Samples.commands {
            let whole = Samples.envelope(command).encoded()
            for _ in 0..<300 {
                var bytes = whole
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let at = Int.random(in: Self.tagOffset..<whole.readableBytes, using: &generator)
                    bytes.setInteger(UInt8.random(in: .min ... .max, using: &generator), at: at)
                }
                // What is read is what would be written: nothing is made up.
                guard let envelope = try? CommandEnvelope(decoding: bytes) else { continue }
                #expect((try? CommandEnvelope(decoding: envelope.encoded())) == envelope)
            }
        }
    }

    /// Sums and successors of what was decoded must not overflow.
    @Test func numbersOutOfRangeAreRefused() {
        var message = Samples.message
        message.sizeBytes = MailLimits.messageBytes + 1
        let since = ModSeq(ModSeq.maximum.rawValue + 1)
        let shortProof = JoinTokenProof(id: JoinTokenID(rawValue: 1), secretHash: [1, 2])
        let commands: [MailCommand] = [
            .deliver(message, id: nil), .append(message, to: .inbox),
            .storeFlags(MailboxID(1), uids(1...1), .add, FlagNames(), unchangedSince: since),
            .directory(.found(clusterID: 1, mailGroups: 0, version: .first, founders: [])),
            .directory(.found(clusterID: 1, mailGroups: 16_385, version: .first, founders: [])),
            .directory(.removeGroup(GroupID(.max))),
            .directory(.addGroup(pool: "", Placing(voters: []))),
            .directory(.addGroup(pool: String(repeating: "p", count: 65), Placing(voters: []))),
            .directory(.placeGroup(GroupID(1), Placing(voters: (1...10).map { NodeID($0) }), replacing: nil)),
            .directory(.reportMembers(GroupID(1), at: LogIndex(1 << 63), Configuration(voters: []))),
            .directory(.admitNode(directory: 1, shortProof, Samples.node)),
        ]
        for command in commands {
            #expect(throws: DecodingError.self) { try CommandEnvelope(decoding: Samples.envelope(command).encoded()) }
        }
    }

    @Test func aHostileCountReservesNothing() {
        var bytes = Samples.envelope(.copy(MailboxID(1), uids(1...1), to: .inbox)).encoded()
        bytes.setInteger(UInt32.max, at: Self.tagOffset + 1 + 4)
        let error = #expect(throws: DecodingError.self) { try CommandEnvelope(decoding: bytes) }
        #expect(error?.reason == .truncated)
    }
}

@Suite struct OutcomeCodingTests {
    @Test(arguments: Samples.outcomes)
    func roundTrip(_ outcome: MailOutcome) throws {
        #expect(try decodeOutcome(encode(outcome)) == outcome)
    }

    @Test func everyTagHasASample() {
        let tags = Set(Samples.outcomes.map { encode($0).readableBytesView[1] })
        let known = (0...UInt8.max).filter { tag in
            do throws(DecodingError) {
                _ = try decodeOutcome(ByteBuffer(bytes: [MailOutcome.formatVersion, tag]))
                return true
            } catch {
                return error.reason != .unknownTag(UInt64(tag))
            }
        }
        #expect(tags.sorted() == known)
        #expect(known == Array(1...8) + Array(10...13))
    }

    @Test(arguments: Samples.outcomes)
    func everyTruncationIsAnError(_ outcome: MailOutcome) {
        let whole = encode(outcome)
        for length in 0..<whole.readableBytes {
            let part = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(throws: DecodingError.self) { try decodeOutcome(part) }
        }
    }

    @Test func unknownVersionsTagsAndRefusalsAreNamed() {
        func reason(_ bytes: [UInt8]) -> DecodingError.Reason? {
            #expect(throws: DecodingError.self) { try decodeOutcome(ByteBuffer(bytes: bytes)) }?.reason
        }
        #expect(reason([2, 2]) == .unknownVersion(2))
        #expect(reason([1, 0]) == .unknownTag(0))
        #expect(reason([1, 14]) == .unknownTag(14))
        #expect(reason([1, 1, 0]) == .unknownTag(0))
        #expect(reason([1, 1, 200]) == .unknownTag(200))
    }

    @Test func garbageNeverTraps() {
        var generator = SplitMix64(seed: 3)
        for round in 0..<20_000 {
            var bytes = generator.bytes(Int.random(in: 2...60, using: &generator))
            bytes.setInteger(1, at: 0, as: UInt8.self)
            bytes.setInteger(UInt8(round % 12), at: 1)
            if let outcome = try? decodeOutcome(bytes) { #expect((try? decodeOutcome(encode(outcome))) == outcome) }
        }
    }
}
