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

    /// The bytes of a chunk; nil where there is none.
    ///
    /// A body of one chunk is checked by its checksum, each time: that costs less than sending it. Of a larger one,
    /// each chunk is checked by the store's own checksums.
    ///
    /// - Throws: ``HarmedChunk``, besides what the store throws.
    func checkedChunk(_ group: GroupID, _ name: BodyChunk) throws -> ByteBuffer? {
        let bodyRow = try store.get(Key(group, .bodies, name.account, name.body).bytes)
        guard let row = try storedChunk(group, name) else {
            // A chunk past the end of a body is not missing.
            guard let bodyRow, try BodyRow(row: bodyRow).chunks > name.index else { return nil }
            throw HarmedChunk(name)
        }
        guard let bytes = try? ChunkHeader.strip(row) else { throw HarmedChunk(name) }
        guard let bodyRow else { return bytes }
        let body = try BodyRow(row: bodyRow)
        guard body.chunks == 1 else { return bytes }
        var check = BodyCheck(name: [])
        check.add(row.readableBytesUInt8Span)
        guard check.fits(body) else { throw HarmedChunk(name) }
        return bytes
    }

    /// - Throws: ``HarmedChunk`` where the store's checksums do not fit.
    private func storedChunk(_ group: GroupID, _ name: BodyChunk) throws -> ByteBuffer? {
        do throws(StateError) {
            return try store.get(Self.chunkKey(group, name).bytes)
        } catch {
            guard error.kind == .corruption else { throw error }
            throw HarmedChunk(name)
        }
    }

    /// The bytes of a chunk for a node that has lost them; nil where this node has none that are whole.
    public func wholeChunk(_ group: GroupID, _ name: BodyChunk) -> ByteBuffer? {
        guard let bytes = try? checkedChunk(group, name) else { return nil }
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
                check.addBare(bytes.readableBytesUInt8Span)
            } else {
                guard let row = try? storedChunk(group, other) else { return false }
                check.add(row.readableBytesUInt8Span)
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
        batch.putChunk(bytes, at: MailReader.chunkKey(group, name))
        try batch.writeOut()
        return true
    }
}
