internal import NIOConcurrencyHelpers
internal import NIOCore

/// The bytes of a file on a ``MemoryDisk``.
///
/// `@unchecked Sendable`: touched only under the disk's lock.
final class MemoryContent: @unchecked Sendable {
    private(set) var bytes: [UInt8] = []
    /// What sectors written since the last sync held before, by number.
    private var before: [Int: [UInt8]] = [:]
    /// What the disk holds of sectors whose sync failed. Such sectors read as they were written, count as clean, and do
    /// not survive a crash.
    private var lost: [Int: [UInt8]] = [:]
    private var durableSize = 0

    init() {}

    init(copying other: MemoryContent) {
        precondition(other.before.isEmpty && other.lost.isEmpty, "Only settled files are copied.")
        bytes = other.bytes
        durableSize = other.durableSize
    }

    func resize(_ size: Int) {
        if size < bytes.count {
            bytes.removeLast(bytes.count - size)
        } else if bytes.isEmpty {
            bytes = [UInt8](repeating: 0, count: size)
        } else {
            bytes += [UInt8](repeating: 0, count: size - bytes.count)
        }
    }

    func write(at offset: Int, _ piece: ByteBuffer) {
        let end = offset + piece.readableBytes
        if end > bytes.count { resize(end) }
        for sector in offset / Layout.sectorBytes...(end - 1) / Layout.sectorBytes where before[sector] == nil {
            before[sector] = lost[sector] ?? self[sector]
        }
        bytes.replaceSubrange(offset..<end, with: piece.readableBytesView)
    }

    private subscript(sector: Int) -> [UInt8] {
        let start = sector * Layout.sectorBytes
        return Array(bytes[start..<min(start + Layout.sectorBytes, bytes.count)])
    }

    func sync() {
        for sector in before.keys { lost[sector] = nil }
        before.removeAll()
        durableSize = bytes.count
    }

    /// What an operating system does when a sync fails: the pages are clean from then on, and were never written.
    func failSync() {
        lost.merge(before) { earlier, _ in earlier }
        before.removeAll()
    }

    func crash(_ coin: inout Coin) {
        for sector in before.keys.sorted() where !coin.toss() { revert(sector, to: before[sector]) }
        for sector in lost.keys.sorted() where before[sector] == nil { revert(sector, to: lost[sector]) }
        if durableSize != bytes.count, !coin.toss() { resize(durableSize) }
        before.removeAll()
        lost.removeAll()
        durableSize = bytes.count
    }

    private func revert(_ sector: Int, to old: [UInt8]?) {
        let start = sector * Layout.sectorBytes
        guard let old, start < bytes.count else { return }
        let count = min(old.count, bytes.count - start)
        bytes.replaceSubrange(start..<start + count, with: old[..<count])
    }

    func corrupt(_ change: (inout [UInt8]) -> Void) {
        change(&bytes)
        lost.removeAll()
        sync()
    }
}

/// An open file of a ``MemoryDisk``.
final class MemoryFile: DiskFile {
    private let disk: MemoryDisk
    private let content: MemoryContent
    private let name: String
    private let generation: Int

    init(_ disk: MemoryDisk, _ content: MemoryContent, name: String, generation: Int) {
        self.disk = disk
        self.content = content
        self.name = name
        self.generation = generation
    }

    func write(at offset: Int, pieces: [ByteBuffer]) throws(DiskError) {
        try access { state throws(DiskError) in
            try throwIfInjected(.noSpace, as: .noSpace, message: "pwritev: no space", in: &state)
            try throwIfInjected(.write, as: .inputOutput, message: "pwritev: I/O error", in: &state)
            var position = offset
            for piece in pieces where piece.readableBytes > 0 {
                content.write(at: position, piece)
                position += piece.readableBytes
            }
        }
    }

    func dataSync() throws(DiskError) {
        try access { state throws(DiskError) in
            if state.takes(.dataSync) {
                content.failSync()
                throw DiskError(kind: .inputOutput, message: "fdatasync: I/O error", path: name)
            }
            state.syncCount += 1
            content.sync()
        }
    }

    func read(at offset: Int, count: Int) throws(DiskError) -> ByteBuffer {
        try access { state throws(DiskError) in
            try throwIfInjected(.read, as: .inputOutput, message: "pread: I/O error", in: &state)
            let astray = state.takes(.misdirectedRead) ? 3 * Layout.sectorBytes : 0
            let start = min(offset + astray, content.bytes.count)
            return ByteBuffer(bytes: content.bytes[start..<min(start + count, content.bytes.count)])
        }
    }

    func size() throws(DiskError) -> Int { try access { _ throws(DiskError) in content.bytes.count } }

    func truncate(to bytes: Int) throws(DiskError) {
        try access { _ throws(DiskError) in content.resize(bytes) }
    }

    private func throwIfInjected(
        _ fault: MemoryDisk.Fault,
        as kind: DiskError.Kind,
        message: String,
        in state: inout MemoryDisk.State
    ) throws(DiskError) {
        if state.takes(fault) { throw DiskError(kind: kind, message: message, path: name) }
    }

    private func access<Result>(
        _ body: (inout MemoryDisk.State) throws(DiskError) -> Result
    ) throws(DiskError) -> Result {
        try disk.update { state throws(DiskError) in
            guard state.generation == generation else {
                throw DiskError(kind: .inputOutput, message: "the file was open when the disk crashed", path: name)
            }
            return try body(&state)
        }
    }
}
