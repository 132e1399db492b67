internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Reads all rows of a group, step by step, and computes the digest and the checksums of bodies from them. A scrub
/// finds rows that a disk has spoiled, or that another than the applier has changed.
public struct StateScrub: Sendable {
    /// What the rows say.
    public enum Result: Hashable, Sendable {
        case intact
        /// The rows have another digest than the group's row says.
        case harmed(sum: UInt64)
        /// The bytes of a body are not those that its row names; its key is without the group.
        case harmedBody(key: [UInt8])
    }

    private enum Phase {
        case rows(after: [UInt8])
        case chunks(after: [UInt8])
    }

    private let state: MarkedState
    private var phase = Phase.rows(after: [])
    private var sum: UInt64 = 0
    private var body: BodyCheck?
    /// How many rows name a body, and how many bodies were found.
    private var named = 0
    private var found = 0
    /// Bytes of keys and values that were read so far.
    public private(set) var bytes: UInt64 = 0
    /// What the rows say; nil until all were read.
    public private(set) var result: Result?

    public init(_ state: MarkedState) { self.state = state }

    /// Reads about `maximumBytes` more, at least one row.
    ///
    /// - Returns: false when the state is no longer kept.
    public mutating func step(maximumBytes: Int) throws -> Bool {
        switch phase {
        case .rows(let after):
            let run = try state.run(after: after, through: nil, maximumRows: .max, maximumBytes: maximumBytes)
            guard let run else { return false }
            sum &+= run.sum
            bytes += UInt64(run.bytes)
            named += run.bodies
            if !run.isComplete {
                phase = .rows(after: run.last)
            } else if sum != state.digest.value {
                result = .harmed(sum: sum)
            } else {
                phase = .chunks(after: [])
            }
            return true
        case .chunks(let after): return try readChunks(after, maximumBytes)
        }
    }

    private mutating func readChunks(_ after: [UInt8], _ maximumBytes: Int) throws -> Bool {
        guard let reader = state.reader() else { return false }
        let prefix = Key(state.group, .chunks)
        var read = 0
        var last = after
        var isEnd = true
        try reader.scan(from: after.isEmpty ? prefix.bytes : after + [0], to: prefix.end) { key, value in
            guard read == 0 || read + value.count <= maximumBytes else {
                isEnd = false
                return false
            }
            read += key.count + value.count
            last = key.copied()
            let name = key.extracting(5..<max(5, key.count - 4)).copied()
            if body?.name != name {
                try finishBody(reader)
                body = BodyCheck(name: name)
            }
            body?.addRow(value)
            return result == nil
        }
        bytes += UInt64(read)
        phase = .chunks(after: last)
        guard isEnd, result == nil else { return true }
        try finishBody(reader)
        if result == nil { result = found == named ? .intact : .harmedBody(key: [Table.chunks.rawValue]) }
        return true
    }

    private mutating func finishBody(_ reader: any StateReader) throws {
        guard let body, result == nil else { return }
        self.body = nil
        for table in [Table.bodies, .uploads] {
            let name = [table.rawValue] + body.name
            guard let row = try reader.get(Key.prefix(state.group) + name) else { continue }
            found += 1
            let fits = (try? BodyRow(row: row)).map { body.fits($0) } ?? false
            if !fits { result = .harmedBody(key: name) }
            return
        }
        // Bytes that no row names are never served.
    }
}

/// The checksum and the size of one body, computed from its chunks.
struct BodyCheck {
    /// Account and body, as the keys have them.
    let name: [UInt8]
    private var chunks: UInt32 = 0
    private var sizeBytes: UInt64 = 0
    private var isReadable = true
    private var checksum: UInt64 = 0

    init(name: [UInt8]) { self.name = name }

    var isEmpty: Bool { chunks == 0 }

    /// The next row of the body.
    mutating func addRow(_ row: Span<UInt8>) {
        do throws(DecodingError) {
            addChunk(try ChunkRow(row: row))
        } catch {
            isReadable = false
        }
    }

    /// The next piece of the body.
    mutating func addChunk(_ chunk: ChunkRow) {
        checksum = chunk.checksum(after: checksum)
        chunks += 1
        sizeBytes += UInt64(chunk.bytes)
    }

    func fits(_ row: BodyRow) -> Bool {
        isReadable && row.chunks == chunks && row.sizeBytes == sizeBytes && row.checksum == checksum
    }
}
