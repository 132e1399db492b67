internal import Consensus
internal import LogStorage
internal import NIOCore

/// A disk that says it has synced, and has not: what a node acknowledges over it is not durable.
final class LyingDisk: Disk {
    private let disk: MemoryDisk

    init(_ disk: MemoryDisk) { self.disk = disk }

    func create(_ name: String, bytes: Int) throws(DiskError) -> any DiskFile {
        LyingFile(try disk.create(name, bytes: bytes))
    }

    func open(_ name: String) throws(DiskError) -> any DiskFile { LyingFile(try disk.open(name)) }
    func list() throws(DiskError) -> [String] { try disk.list() }
    func delete(_ name: String) throws(DiskError) { try disk.delete(name) }
    func rename(_ name: String, to newName: String) throws(DiskError) { try disk.rename(name, to: newName) }
    func syncDirectory() throws(DiskError) { try disk.syncDirectory() }
}

private final class LyingFile: DiskFile {
    private let file: any DiskFile

    init(_ file: any DiskFile) { self.file = file }

    func write(at offset: Int, pieces: [ByteBuffer]) throws(DiskError) { try file.write(at: offset, pieces: pieces) }
    func dataSync() {}
    func read(at offset: Int, count: Int) throws(DiskError) -> ByteBuffer { try file.read(at: offset, count: count) }
    func size() throws(DiskError) -> Int { try file.size() }
    func truncate(to bytes: Int) throws(DiskError) { try file.truncate(to: bytes) }
}

/// A log that forgets votes: a node may vote twice in one term, once before and once after a crash.
final class ForgetfulLog: LogStore {
    private let log: SegmentedLog

    init(_ log: SegmentedLog) { self.log = log }

    func append(_ round: LogRound) throws(LogError) {
        var kept = LogRound()
        for operation in round.operations {
            if case .saveHardState(let group, var hardState) = operation {
                hardState.vote = nil
                kept.append(.saveHardState(group, hardState))
            } else {
                kept.append(operation)
            }
        }
        try log.append(kept)
    }

    func purge() throws(LogError) { try log.purge() }
    func compact(maxBytes: Int) throws(LogError) -> Int { try log.compact(maxBytes: maxBytes) }
    func isOldestSegmentWorthCopying(beyond count: Int) -> Bool { log.isOldestSegmentWorthCopying(beyond: count) }
    func seal() throws(LogError) { try log.seal() }
    var reader: any LogReading { log.reader }
    var diskBytes: Int { log.diskBytes }
    var segmentCount: Int { log.segmentCount }
}
