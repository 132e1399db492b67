import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// What the directory holds of nodes and of the cluster's version.
@Suite struct DirectoryTests {
    private let store = MemoryStateStore()
    private let applier: MailApplier
    private var index: UInt64 = 0

    init() throws {
        applier = MailApplier(store: store)
        try applier.open(.directory)
    }

    private mutating func apply(_ command: DirectoryCommand) throws -> MailOutcome {
        index += 1
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: index),
            settledBelow: index,
            timestamp: Timestamp(milliseconds: 1),
            account: AccountID(0),
            command: .directory(command)
        )
        return try applier.apply(
            group: .directory,
            index: LogIndex(index),
            term: Term(1),
            payload: envelope.encoded()
        ).1
    }

    private mutating func register(_ id: UInt64, _ oldest: UInt8, _ newest: UInt8) throws -> MailOutcome {
        let versions = KnownVersions(ClusterVersion(rawValue: oldest), ClusterVersion(rawValue: newest))
        return try apply(
            .registerNode(NodeDescription(id: id, peerAddress: "a", labels: [], versions: versions))
        )
    }

    private mutating func raise(to version: UInt8) throws -> MailOutcome {
        try apply(.raiseVersion(ClusterVersion(rawValue: version)))
    }

    private let found = DirectoryCommand.found(clusterID: 7, mailGroups: 3, version: .first)

    @Test mutating func beforeTheFounding() throws {
        #expect(try register(1, 1, 2) == .refused(.notHere))
        #expect(try raise(to: 2) == .refused(.notHere))
        #expect(try apply(found) == .done)
        #expect(try raise(to: 2) == .refused(.unsupportedVersion), "nobody is there who knows it")
        // The first founding stays.
        let other = DirectoryCommand.found(clusterID: 8, mailGroups: 9, version: ClusterVersion(rawValue: 5))
        #expect(try apply(other) == .done)
        try applier.commit()
        let cluster = try #require(try MailReader(store: store).cluster())
        #expect(cluster.id == 7)
        #expect(cluster.version == .first)
    }

    @Test mutating func theVersionRisesByOneWhenAllKnowTheNext() throws {
        #expect(try apply(found) == .done)
        #expect(try register(1, 1, 2) == .done)
        #expect(try register(2, 1, 1) == .done)
        #expect(try raise(to: 2) == .refused(.unsupportedVersion))
        // In the same batch: what was registered just now counts.
        #expect(try register(2, 1, 3) == .done)
        #expect(try raise(to: 3) == .refused(.unsupportedVersion), "not two at once")
        #expect(try raise(to: 2) == .done)
        #expect(try raise(to: 2) == .done)
        #expect(try raise(to: 1) == .done, "never back")
        try applier.commit()
        let cluster = try #require(try MailReader(store: store).cluster())
        #expect(cluster.version == ClusterVersion(rawValue: 2))
        #expect(cluster.nextVersion == nil)
        #expect(try register(1, 1, 1) == .refused(.unsupportedVersion))
        #expect(try register(3, 3, 4) == .refused(.unsupportedVersion))
        #expect(try register(1, 2, 3) == .done)
        try applier.commit()
        #expect(try MailReader(store: store).cluster()?.nextVersion == ClusterVersion(rawValue: 3))
    }
}
