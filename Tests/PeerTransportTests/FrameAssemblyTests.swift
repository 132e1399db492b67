import Consensus
import MailModel
import NIOCore
import Testing

@testable import PeerTransport

/// How frames with large payloads are written, and put together again.
@Suite struct FrameAssemblyTests {
    static let large = (1...3).map { number in
        PeerMessage.forward(
            group: GroupID(UInt32(number)),
            request: RequestID(session: 1, sequence: UInt64(number)),
            payload: ByteBuffer(repeating: UInt8(number), count: PeerLimits.uncopiedBytes + number)
        )
    }
    static let mixed = [Samples.messages[0], large[0], large[1]] + Samples.messages + [large[2]]

    static func whole(_ messages: [PeerMessage]) -> ByteBuffer {
        var buffer = ByteBuffer()
        Frame.encode(messages, into: &buffer)
        return buffer
    }

    @Test(arguments: [mixed, large, Samples.messages, [large[2]], [Samples.messages[0]]])
    func partsAreTheSameBytes(_ messages: [PeerMessage]) {
        var joined = ByteBuffer()
        for part in Frame.parts(of: messages, allocator: ByteBufferAllocator()) { joined.writeImmutableBuffer(part) }
        #expect(joined == Self.whole(messages))
    }

    @Test func largePayloadsAreNotCopied() throws {
        let payload = ByteBuffer(repeating: 7, count: PeerLimits.uncopiedBytes)
        let request = RequestID(session: 1, sequence: 2)
        let message = PeerMessage.forward(group: GroupID(1), request: request, payload: payload)
        let parts = Frame.parts(of: [message, message], allocator: ByteBufferAllocator())
        #expect(parts.count == 4)
        #expect(parts.count(where: { address($0) == address(payload) }) == 2)
    }

    /// However the bytes are cut by the network, the same messages come out.
    @Test(arguments: [1, 2, 3, 5, 7, 8, 9, 64, 1_000, 16_384, 65_536, 1 << 20])
    func readsOfAnyLength(_ length: Int) throws {
        let batches = [Self.mixed, [Samples.messages[0]], Self.large, Samples.messages, [Self.large[0]]]
        var stream = ByteBuffer()
        for batch in batches { stream.writeImmutableBuffer(Self.whole(batch)) }
        var assembler = FrameAssembler()
        var bodies: [ByteBuffer] = []
        while var read = stream.readSlice(length: min(length, stream.readableBytes)), read.readableBytes > 0 {
            while let body = try next(&assembler, &read) { bodies.append(body) }
            #expect(read.readableBytes == 0)
        }
        #expect(try bodies.map { try Frame.messages(in: $0).map(describe) } == batches.map { $0.map(describe) })
    }

    /// One buffer for a frame, of the size that it names, and none of what comes behind it.
    @Test func aFrameHasABufferOfItsOwn() throws {
        let frame = Self.whole(Self.large)
        var stream = ByteBuffer()
        for _ in 0..<3 { stream.writeImmutableBuffer(frame) }
        var assembler = FrameAssembler()
        var bodies: [ByteBuffer] = []
        while var read = stream.readSlice(length: min(20_000, stream.readableBytes)), read.readableBytes > 0 {
            while let body = try next(&assembler, &read) { bodies.append(body) }
        }
        #expect(bodies.count == 3)
        let storages = bodies.map(\.storageCapacity)
        #expect(storages.allSatisfy { $0 < 2 * frame.readableBytes }, "\(storages)")
    }

    @Test(arguments: [0, 3, UInt32(PeerLimits.maximumFrameBytes) + 1, .max], [1, 3, 4, 8])
    func impossibleLengthsGetNoMemory(_ claimed: UInt32, _ cut: Int) {
        var stream = ByteBuffer(integer: claimed)
        stream.writeInteger(UInt32.max)
        var assembler = FrameAssembler()
        #expect(throws: DecodingError.self) {
            while var read = stream.readSlice(length: min(cut, stream.readableBytes)), read.readableBytes > 0 {
                _ = try next(&assembler, &read)
            }
        }
    }

    private func next(_ assembler: inout FrameAssembler, _ read: inout ByteBuffer) throws -> ByteBuffer? {
        try assembler.next(
            from: &read,
            maximumBytes: PeerLimits.maximumFrameBytes,
            allocator: ByteBufferAllocator()
        )
    }

    private func address(_ buffer: ByteBuffer) -> UInt? {
        buffer.withUnsafeReadableBytes { $0.baseAddress.map { UInt(bitPattern: $0) } }
    }
}
