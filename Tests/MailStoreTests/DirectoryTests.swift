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

    /// - Parameter run: nil for a run of its own.
    private mutating func register(
        _ id: UInt64,
        _ oldest: UInt8,
        _ newest: UInt8,
        run: UInt64? = nil
    ) throws -> MailOutcome {
        let versions = KnownVersions(ClusterVersion(rawValue: oldest), ClusterVersion(rawValue: newest))
        let node = NodeDescription(id: id, peerAddress: "a", labels: [], versions: versions)
        return try apply(.registerNode(node, run: run ?? index + 1))
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

    /// What an earlier run of a node has sent may come late: it must not stand for what the present one knows.
    @Test mutating func aLateRegistrationIsVoid() throws {
        #expect(try apply(found) == .done)
        #expect(try register(1, 1, 1, run: 2) == .done)
        #expect(try register(1, 1, 2, run: 1) == .refused(.staleRegistration))
        #expect(try register(1, 1, 2, run: 2) == .refused(.staleRegistration), "one of two with the same number")
        #expect(try raise(to: 2) == .refused(.unsupportedVersion))
        try applier.commit()
        #expect(try MailReader(store: store).registeredRun(of: 1) == 2)
        #expect(try MailReader(store: store).registeredRun(of: 9) == 0)
        #expect(try register(1, 1, 2, run: 3) == .done)
        #expect(try raise(to: 2) == .done)
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
