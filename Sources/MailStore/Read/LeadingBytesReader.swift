internal import Consensus
internal import MailModel
internal import MessageFormat
internal import NIOCore
internal import StateStorage

/// Reads the first bytes of many messages of an account in one go.
struct LeadingBytesReader {
    private let store: any StateStore
    private let account: AccountID
    private let group: GroupID

    init(_ store: any StateStore, _ account: AccountID, in group: GroupID) {
        self.store = store
        self.account = account
        self.group = group
    }

    /// The same rows with first bytes of their messages, as many as an answer may bring. Bytes that cannot be read are
    /// left out: who asks for them by themselves learns why, and has them mended.
    func add(_ leading: LeadingBytes, to details: [MessageDetails]) -> [MessageDetails] {
        var wanted: [(place: Int, key: [UInt8], bytes: Int)] = []
        var left = MailLimits.leadingBytesPerQuery
        for (place, row) in details.enumerated() where left > 0 {
            var bytes = leading.maximum
            // Where the summary cannot be read, the header may be of any length.
            if leading.isHeaderOnly, let header = StoredSummary.headerBytes(in: row.summary) {
                bytes = Int(min(header, UInt64(bytes)))
            }
            let name = BodyChunk(account: account, body: row.bodyID, index: 0)
            wanted.append((place, MailReader.chunkKey(group, name).bytes, bytes))
            left -= Int(min(row.sizeBytes, UInt64(bytes)))
        }
        // Messages of a mailbox mostly came in their order, so that most are where they belong.
        wanted.sort { $0.key.lexicographicallyPrecedes($1.key) }
        // All bytes share one buffer, as the rows do.
        var buffer = ByteBuffer()
        var ranges: [Range<Int>?] = Array(repeating: nil, count: details.count)
        store.withReadableValues(wanted.map(\.key)) { index, row in
            let (place, _, bytes) = wanted[index]
            guard let range = try? ChunkRow.checkedRange(0..<bytes, in: row) else { return }
            let start = buffer.writerIndex
            buffer.writeBytes(row.extracting(range).bytes)
            ranges[place] = start..<buffer.writerIndex
        }
        return zip(details, ranges).map { row, range in
            guard let range else { return row }
            var row = row
            row.leading = buffer.getSlice(at: range.lowerBound, length: range.count) ?? ByteBuffer()
            return row
        }
    }
}
