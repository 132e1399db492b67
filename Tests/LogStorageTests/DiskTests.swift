import CChecksum
import Consensus
import Glibc
import LogStorage
import MailTestSupport
import NIOCore
import Testing

/// The disk seam: the real one and the simulated one do the same.
@Suite struct DiskTests {
    let directory = TemporaryDirectory()

    private func disks() throws -> [any Disk] { [try PosixDisk(path: directory.path), MemoryDisk()] }

    @Test func filesComeAndGo() throws {
        for disk in try disks() {
            let file = try disk.create("b", bytes: 5000)
            #expect(try file.size() == 5000)
            #expect(try file.read(at: 0, count: 9000) == ByteBuffer(repeating: 0, count: 5000))
            #expect(throws: DiskError.self) { try disk.create("b", bytes: 1) }
            #expect(throws: DiskError.self) { try disk.open("a") }
            #expect(throws: DiskError.self) { try disk.delete("a") }
            _ = try disk.create("c", bytes: 0)
            try disk.rename("c", to: "a")
            #expect(try disk.list() == ["a", "b"])
            try disk.delete("a")
            try disk.syncDirectory()
            #expect(try disk.list() == ["b"])
            try file.truncate(to: 10)
            #expect(try disk.open("b").size() == 10)
        }
    }

    @Test func manyPieces() throws {
        var random = SplitMix64(seed: 1)
        let pieces = (0..<3000).map { _ in ByteBuffer(bytes: random.bytes(random.below(40))) }
        let all = pieces.flatMap { Array($0.readableBytesView) }
        for disk in try disks() {
            let file = try disk.create("file", bytes: all.count + 100)
            try file.write(at: 100, pieces: pieces)
            try file.dataSync()
            #expect(try Array(file.read(at: 100, count: all.count).readableBytesView) == all)
            #expect(try file.read(at: all.count + 90, count: 50).readableBytes == 10)
            #expect(try file.read(at: all.count + 1000, count: 50).readableBytes == 0)
        }
    }

    @Test func theLogOnARealDisk() throws {
        let settings = LogSettings.small
        var model = Model()
        var random = SplitMix64(seed: 3)
        for _ in 0..<5 {
            let disk = try PosixDisk(path: directory.path)
            let (log, recovered) = try SegmentedLog.open(disk: disk, settings: settings)
            #expect(recovered.allSatisfy { $0.verdict == .intact })
            #expect(try Model(recovered, log.reader) == model)
            for _ in 0..<20 {
                let round = CrashTests.round(model, &random)
                try log.append(round)
                model.apply(round)
                if random.below(10) == 0 { _ = try log.compact(maxBytes: 5000) }
            }
        }
    }

    @Test func checksums() {
        let digits = Array("123456789".utf8)
        #expect(staffetta_crc32c(0, digits, 9) == 0xE306_9283)
        #expect(staffetta_crc32c_portable(0, digits, 9) == 0xE306_9283)
        var random = SplitMix64(seed: 9)
        for length in 0..<300 {
            let bytes = random.bytes(length)
            let whole = staffetta_crc32c(0, bytes, length)
            #expect(whole == staffetta_crc32c_portable(0, bytes, length))
            let half = length / 2
            #expect(staffetta_crc32c(staffetta_crc32c(0, bytes, half), Array(bytes[half...]), length - half) == whole)
        }
    }
}
