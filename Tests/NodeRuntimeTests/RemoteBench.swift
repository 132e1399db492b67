import Consensus
import MailModel
import MailStore
import NIOCore
import PeerTransport
import Testing

@testable import NodeRuntime

/// Four nodes, of which the last has no replica of group 1: what its clients want of the group, others do.
final class RemoteBench {
    static let group = GroupID(1)
    let cluster: TestCluster
    /// The node without a replica.
    var guest: TestNode { cluster[4] }
    var holders: [TestNode] { [cluster[1], cluster[2], cluster[3]] }
    /// Every message that was sent, if the test wants to see them.
    private(set) var heard: [(message: PeerMessage, from: NodeID, to: NodeID)] = []

    init(datacenters: [String] = [], _ change: (inout CoreSettings) -> Void = { _ in }) throws {
        cluster = try TestCluster(nodes: 4, groups: 3, datacenters: datacenters, change)
        cluster.run(ticks: 160)
        try #require(cluster.allAreLed)
        try place(Self.group, at: [1, 2, 3])
        for _ in 0..<100 where guest.core?.loop.standing(of: Self.group) != .remote { cluster.run(ticks: 10) }
        try #require(guest.core?.loop.standing(of: Self.group) == .remote)
        try #require(guest.core?.replica(Self.group) == nil)
    }

    func place(_ group: GroupID, at nodes: [UInt64]) throws {
        try direct(.placeGroup(group, Placing(voters: nodes.map { NodeID($0) }), replacing: nil))
    }

    func direct(_ command: DirectoryCommand) throws {
        let outcome = submit(.directory(command), account: AccountID(0), to: .directory, through: cluster[1])
        cluster.run(ticks: 10)
        try #require(outcome.value == .success(.done))
    }

    /// Runs, and loses what `isLost` says; notes all messages.
    func run(ticks: Int, isLost: (PeerMessage, NodeID, NodeID) -> Bool = { _, _, _ in false }) {
        heard = []
        cluster.run(ticks: ticks) { message, from, to in
            heard.append((message, from, to))
            return isLost(message, from, to)
        }
    }

    /// The questions that the guest has asked, in order.
    var questions: [(id: UInt64, node: NodeID)] {
        heard.compactMap { message, from, to in
            if from == guest.id, case .read(_, .ask(let id, _, _)) = message { (id, to) } else { nil }
        }
    }

    var refusals: [ReadRefusal] {
        heard.compactMap { message, _, to in
            if to == guest.id, case .read(_, .refused(_, let refusal)) = message { refusal } else { nil }
        }
    }

    // MARK: Calls

    func submit(
        _ command: MailCommand,
        account: AccountID,
        to group: GroupID = RemoteBench.group,
        through node: TestNode
    ) -> Heard<MailOutcome> {
        let heard = Heard<MailOutcome>()
        node.service?.submit(command, to: group, account: account, heard.completion)
        return heard
    }

    /// Creates an account whose address is in the group, through the first node.
    func makeAccount(_ name: String = "anna") throws -> (address: AccountAddress, reference: AccountReference) {
        let founding = try #require(guest.core?.directory.now.founding)
        let address = try #require(
            (0..<1_000).lazy.compactMap { AccountAddress("\(name)\($0)@example.org") }
                .first { founding.group(of: $0.slot) == Self.group }
        )
        let outcome = submit(
            .createAccount(address: address, credential: CredentialHash(bytes: [1]), quotaBytes: 0, mailboxes: []),
            account: AccountID(0),
            through: cluster[1]
        )
        cluster.run(ticks: 10)
        guard case .success(.accountCreated(let id))? = outcome.value else {
            throw MissingAccount()
        }
        return (address, AccountReference(id: id, slot: address.slot))
    }

    private struct MissingAccount: Error {}

    static func message(_ number: UInt64, summaryBytes: Int = 10, body: ByteBuffer? = nil) -> MailCommand {
        let bytes = body ?? ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: 100)
        let message = NewMessage(
            bodyID: BodyID(high: 5, low: number),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(bytes.readableBytes),
            summary: ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: summaryBytes),
            body: .inline(bytes)
        )
        return .deliver(message, id: nil)
    }

    // MARK: Reads

    func query(_ query: MailQuery, of account: AccountReference, through node: TestNode) -> Heard<MailAnswer> {
        let heard = Heard<MailAnswer>()
        node.service?.query(query, of: account, heard.completion)
        return heard
    }

    func find(_ address: AccountAddress) -> Heard<AccountRecord?> {
        let heard = Heard<AccountRecord?>()
        guest.service?.readAccount(address, heard.completion)
        return heard
    }

    static func messages(in answer: Result<MailAnswer, ServiceFailure>?) -> UInt32? {
        if case .success(.mailbox(let record))? = answer { record.messages } else { nil }
    }
}

/// How a call or a read has ended; `@unchecked Sendable`: a test cluster has one thread.
final class Heard<Value: Sendable>: @unchecked Sendable {
    private(set) var value: Result<Value, ServiceFailure>?
    private(set) var count = 0

    var completion: Completion<Value> {
        Completion(on: nil) { [self] result in
            value = result
            count += 1
        }
    }
}
