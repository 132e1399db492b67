internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The bodies of an account's messages: their rows, their bytes, and uploads of large ones.
struct BodyCommands {
    let scope: CommandScope

    /// Stores the body or takes over what was uploaded, with one reference.
    func storeBody(of message: NewMessage) throws {
        let key = scope.key(.bodies, of: message.bodyID)
        switch message.body {
        case .inline(let bytes):
            let chunk = ChunkRow(of: bytes.readableBytesUInt8Span)
            let row = BodyRow(
                references: 1,
                sizeBytes: UInt64(bytes.readableBytes),
                chunks: 1,
                checksum: chunk.checksum(after: 0)
            )
            scope.putWholeBody(bytes, in: chunk, at: chunkKey(of: message.bodyID, index: 0))
            scope.putLookedUp(key, row: row.row, replacing: nil)
        case .uploaded(let chunks):
            let uploadKey = scope.key(.uploads, of: message.bodyID)
            guard let row = try scope.lookUp(uploadKey) else { throw Refusal.uploadMissing }
            let upload = try BodyRow(row: row)
            guard upload.chunks == chunks, upload.sizeBytes == message.sizeBytes else { throw Refusal.uploadMissing }
            scope.deleteLookedUp(uploadKey, old: row)
            var body = upload
            body.references = 1
            scope.putLookedUp(key, row: body.row, replacing: nil)
        }
    }

    private func chunkKey(of body: BodyID, index: UInt32) -> Key {
        scope.key(.chunks, of: body).appending(index)
    }

    /// Takes the next chunk of an upload; chunks come in order. All but the last have the full chunk size.
    func uploadChunk(of body: BodyID, index: UInt32, bytes: ByteBuffer) throws -> MailOutcome {
        let owner = try scope.account()
        let key = scope.key(.uploads, of: body)
        let old = try scope.lookUp(key)
        var upload =
            try old.map { try BodyRow(row: $0) } ?? BodyRow(references: 0, sizeBytes: 0, chunks: 0, checksum: 0)
        guard upload.chunks == index, upload.sizeBytes == UInt64(index) * UInt64(MailLimits.bodyChunkBytes) else {
            throw Refusal.uploadMissing
        }
        let size = try upload.sizeBytes.counted(up: UInt64(bytes.readableBytes), "upload row")
        guard owner.hasRoomForBytes(size) else { throw Refusal.overQuota }
        let chunk = ChunkRow(of: bytes.readableBytesUInt8Span)
        upload.checksum = chunk.checksum(after: upload.checksum)
        upload.sizeBytes = size
        upload.chunks = try upload.chunks.counted(up: 1, "upload row")
        scope.putChunk(bytes, in: chunk, at: chunkKey(of: body, index: index))
        scope.putLookedUp(key, row: upload.row, replacing: old)
        return .done
    }

    /// Removes the chunks of an upload, if there are any.
    func discardUpload(of body: BodyID) throws {
        let key = scope.key(.uploads, of: body)
        guard let row = try scope.lookUp(key) else { return }
        removeChunks(of: body, count: try BodyRow(row: row).chunks)
        scope.deleteLookedUp(key, old: row)
    }

    /// Removes the bytes of a body: singly, since every range that is removed costs all reads that follow, until the
    /// store has been flushed.
    func removeChunks(of body: BodyID, count chunks: UInt32) {
        guard chunks > MailLimits.chunksRemovedSingly else {
            for index in 0..<chunks { scope.deleteUndigested(chunkKey(of: body, index: index).bytes) }
            return
        }
        scope.deleteUndigestedRows(below: scope.key(.chunks, of: body))
    }
}
