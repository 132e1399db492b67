import Consensus
import Glibc
import LogStorage
import MailTestSupport
import NIOCore
import Testing

/// How fast the log is on this machine's disk. Runs when `STAFFETTA_FIGURES` is set, in a release build.
@Suite(.enabled(if: getenv("STAFFETTA_FIGURES") != nil)) struct LogFigures {
    @Test(arguments: [(1, 100), (16, 10_240), (64, 10_240)])
    func roundsPerSecond(_ entriesPerRound: Int, _ entryBytes: Int) throws {
        let directory = TemporaryDirectory()
        let disk = try PosixDisk(path: directory.path)
        let (log, _) = try SegmentedLog.open(disk: disk, settings: LogSettings(logID: 1))
        let group = GroupID(1)
        try log.append(LogRound([.createGroup(group, .start)]))
        var random = SplitMix64(seed: 1)
        let entries = (0..<entriesPerRound).map { _ in LogEntry.command(term: 1, random.bytes(entryBytes)) }
        let rounds = 1000
        let clock = ContinuousClock()
        var next = LogIndex(1)
        let time = try clock.measure {
            for _ in 0..<rounds {
                try log.append(LogRound([.append(group, firstIndex: next, entries)]))
                next = next + entriesPerRound
            }
        }
        let reading = try clock.measure {
            var first = LogIndex(1)
            while first < next {
                let entries = try log.reader.read(group, from: first, upTo: next.previous, maxBytes: 1 << 20)
                first = first + entries.count
            }
        }
        let opening = try clock.measure { _ = try SegmentedLog.open(disk: disk, settings: LogSettings(logID: 1)) }
        print("FIGURE", entriesPerRound, entryBytes, "write", time / rounds, "read all", reading, "open", opening)
    }
}
