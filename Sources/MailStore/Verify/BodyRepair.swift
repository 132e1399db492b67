public import Consensus
public import MailModel
public import NIOCore
internal import StateStorage

/// The bytes of a body cannot be read, or are not those that its row names.
public struct HarmedChunk: Error, Hashable {
    /// The piece of the body that is harmed.
    public let chunk: BodyChunk

    /// A piece whose bytes are not those that were written.
    public init(_ chunk: BodyChunk) { self.chunk = chunk }
}

/// Bodies whose bytes a disk has spoiled: how they are found, and how bytes from elsewhere are checked.
extension MailReader {
    static func chunkKey(_ group: GroupID, _ name: BodyChunk) -> Key {
        Key(group, .chunks, name.account, name.body).appending(name.index)
    }

    /// Bytes of a chunk, as many of those that are wanted as there are; nil where there is no such chunk. The blocks
    /// that they lie in are checked by their checksums, each time: that costs less than sending them.
    ///
    /// - Parameter wanted: positions in the chunk.
    /// - Throws: ``HarmedChunk``, besides what the store throws.
    func checkedBytes(_ wanted: Range<Int>, of name: BodyChunk, in group: GroupID) throws -> ByteBuffer? {
        var bytes: ByteBuffer?
        try lendBytes(wanted, of: name, in: group) { bytes = ByteBuffer(copying: $0) }
        return bytes
    }

    /// Lends what ``checkedBytes(_:of:in:)`` copies; nothing where there is no such chunk.
    func lendBytes(
        _ wanted: Range<Int>,
        of name: BodyChunk,
        in group: GroupID,
        _ body: (Span<UInt8>) throws -> Void
    ) throws {
        let isThere: Bool
        do {
            isThere = try store.withValue(Self.chunkKey(group, name).bytes) { row in
                try body(row.extracting(try ChunkRow.checkedRange(wanted, in: row)))
            }
        } catch is DecodingError {
            throw HarmedChunk(name)
        } catch let error as StateError where error.kind == .corruption {
            throw HarmedChunk(name)
        }
        // A chunk past the end of a body is not missing.
        guard !isThere, let row = try store.get(Key(group, .bodies, name.account, name.body).bytes),
            try BodyRow(row: row).chunks > name.index
        else { return }
        throw HarmedChunk(name)
    }

    /// The bytes of a chunk for a node that has lost them; nil where this node has none that are whole.
    public func wholeChunk(_ group: GroupID, _ name: BodyChunk) -> ByteBuffer? {
        guard let bytes = try? checkedBytes(0..<MailLimits.bodyChunkBytes, of: name, in: group) else { return nil }
        return bytes
    }

    /// Whether bytes that came from elsewhere are those of the chunk: by the checksum of the whole body.
    public func fits(_ bytes: ByteBuffer, as name: BodyChunk, in group: GroupID) -> Bool {
        guard let row = try? store.get(Key(group, .bodies, name.account, name.body).bytes),
            let body = try? BodyRow(row: row), name.index < body.chunks
        else { return false }
        var check = BodyCheck(name: [])
        for index in 0..<body.chunks {
            let other = BodyChunk(account: name.account, body: name.body, index: index)
            if index == name.index {
                check.addChunk(ChunkRow(of: bytes.readableBytesUInt8Span))
            } else {
                // The body's checksum is one of theirs: also where the bytes of others are spoiled, it can be told.
                let isThere = try? store.withValue(Self.chunkKey(group, other).bytes) { row in
                    check.addChunk(try ChunkRow(uncheckedRow: row))
                }
                guard isThere == true else { return false }
            }
        }
        return check.fits(body)
    }
}

extension MailApplier {
    /// Puts the bytes of a chunk back where a disk has spoiled them. The bytes are those that the log has put there
    /// once: no index moves, and no digest changes.
    ///
    /// - Returns: false when the body has gone meanwhile.
    public func putBack(_ bytes: ByteBuffer, as name: BodyChunk, in group: GroupID) throws -> Bool {
        guard isOpen(group) else { return false }
        try batch.commit()
        guard try batch.store.get(Key(group, .bodies, name.account, name.body).bytes) != nil else { return false }
        let chunk = ChunkRow(of: bytes.readableBytesUInt8Span)
        batch.putChunk(bytes, in: chunk, at: MailReader.chunkKey(group, name))
        try batch.writeOut()
        return true
    }
}
