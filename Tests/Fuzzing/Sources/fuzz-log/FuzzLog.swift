internal import Consensus
internal import FuzzDriver
internal import FuzzSupport
internal import LogStorage
internal import NIOCore

@main struct Main {
    static func main() { fuzz(fuzzLog) }
}

/// The first byte says whether checksums are made right (1), but not those by which records refer to each other (2);
/// the second where the first segment ends (in sectors; 0: there is only one). The rest are the segments' files.
///
/// Whatever they hold, the log opens or says why not, its entries are read or refused, and opening it again finds the
/// same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLog(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var buffer = input(bytes, count)
    guard let kind = buffer.readInteger(as: UInt8.self), let sectors = buffer.readInteger(as: UInt8.self) else {
        return 0
    }
    var files = [buffer]
    if sectors > 0, let first = buffer.readSlice(length: min(buffer.readableBytes, Int(sectors) * 512)) {
        files = [first, buffer]
    }
    if kind & 1 == 1 {
        var repair = Repair(joinsChains: kind & 2 == 0)
        files = files.map { repair.apply($0) }
    }
    let disk = MemoryDisk()
    for file in files { put(file, on: disk) }
    check(disk)
    return 0
}

/// Under the name that its header asks for, so that the numbers of segments are the fuzzer's too.
private func put(_ file: ByteBuffer, on disk: MemoryDisk) {
    let sequence = file.getInteger(at: file.readerIndex + 24, endianness: .little, as: UInt64.self) ?? 1
    let digits = String(sequence, radix: 16)
    let name = String(repeating: "0", count: 16 - digits.count) + digits + ".log"
    guard let made = try? disk.create(name, bytes: file.readableBytes) else { return }
    try? made.write(at: 0, pieces: [file])
}

private func check(_ disk: MemoryDisk) {
    guard let first = open(disk) else { return }
    for group in first.recovered { readAll(group, first.log.reader) }
    guard let second = open(disk) else { fatalError("a log that was opened does not open again") }
    compare(first.recovered, second.recovered)
    let group = GroupID(4_000_000)
    guard !second.recovered.contains(where: { $0.group == group }) else { return }
    let point = SnapshotPoint(index: .zero, term: .zero, configuration: Configuration(members: [], voters: []))
    guard (try? second.log.append(LogRound([.createGroup(group, replica: ReplicaID(9), point)]))) != nil else { return }
    guard let third = open(disk) else { fatalError("a log that was written to does not open again") }
    compare(first.recovered, third.recovered.filter { $0.group != group })
    require(third.recovered.contains { $0.group == group && $0.verdict == .intact }, "what was written is gone")
}

/// What was intact stays as it was found; what was not stays in quarantine.
private func compare(_ before: [RecoveredGroup], _ after: [RecoveredGroup]) {
    require(before.map(\.group) == after.map(\.group), "other groups at the next opening")
    for (old, new) in zip(before, after) {
        switch old.verdict {
        case .intact: require(old == new, "another log at the next opening: \(old) \(new)")
        case .damaged: require(new.verdict != .intact, "damage was forgotten: \(old) \(new)")
        }
    }
}

private func open(_ disk: MemoryDisk) -> (log: SegmentedLog, recovered: [RecoveredGroup])? {
    var settings = LogSettings(logID: 1)
    settings.blockBytes = 512
    settings.segmentBytes = 4_096
    return try? SegmentedLog.open(disk: disk, settings: settings)
}

private func readAll(_ group: RecoveredGroup, _ reader: any LogReading) {
    guard !group.entries.isEmpty else { return }
    let first = group.snapshot.index.next
    guard let entries = try? reader.read(group.group, from: first, upTo: group.lastIndex, maxBytes: 1 << 20) else {
        return
    }
    for (entry, header) in zip(entries, group.entries) {
        require(entry.header == header, "an entry is not the one that was found")
    }
}
