internal import Consensus
internal import LogStorage
internal import NIOCore
internal import ReplicaCore

/// Reads payloads that the cache no longer holds from the log.
///
/// A class, since every step of a replica is handed it as `any PayloadSource`: a structure of this size would be put on
/// the heap each time.
final class LogPayloadSource: PayloadSource {
    private let log: any LogReading
    private let failed: @Sendable (any Error) -> Void

    /// - Parameters:
    ///   - log: what payloads are read from.
    ///   - failed: is told where acknowledged entries cannot be read.
    init(log: any LogReading, failed: @escaping @Sendable (any Error) -> Void) {
        self.log = log
        self.failed = failed
    }

    func payloads(group: GroupID, first: LogIndex, count: Int) -> [ByteBuffer]? {
        var payloads: [ByteBuffer] = []
        let last = first + (count - 1)
        do throws(LogError) {
            while payloads.count < count {
                let entries = try log.read(group, from: first + payloads.count, upTo: last, maxBytes: 4 << 20)
                guard !entries.isEmpty else { return nil }
                payloads += entries.map(\.payload)
            }
            return payloads
        } catch {
            switch error.kind {
            // The entries are gone since, or not yet there: the replica that asked will ask for others.
            case .compacted, .beyondEnd, .unknownGroup: break
            // Acknowledged entries cannot be read. The next start looks at all of them, and gives up what is lost.
            case .inputOutput, .noSpace, .damaged, .unsupported, .tooLarge: failed(error)
            }
            return nil
        }
    }
}
