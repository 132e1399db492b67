internal import AdminAPI
internal import Consensus
internal import GRPCCore
internal import MailModel
internal import NodeRuntime
internal import SwiftProtobuf

struct ClusterService: Staffetta_Admin_V1_Cluster.SimpleServiceProtocol {
    let node: Node
    let version: String

    func getStatus(
        request: Staffetta_Admin_V1_GetStatusRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_GetStatusResponse {
        let here = await node.summary()
        var problems = await node.membershipProblems()
        problems += await node.verificationProblems()
        problems += here.behind.compactMap { group, seconds in
            HousekeepingProblem.sentence(group.rawValue, backlogSeconds: seconds)
        }
        problems += here.silent.map { group, node in
            "group \(group.rawValue): the replica on node \(node.rawValue) does not answer"
        }
        let unreadyReasons = await node.unreadyReasons()
        let view = await node.knownView()
        problems += view.leaderless.map { "group \($0.rawValue) has no leader that this node knows" }
        return .with {
            $0.cluster = node.settings.cluster
            $0.node = node.settings.node.rawValue
            $0.groups = UInt32(view.groups.count)
            $0.groupsWithLeader = UInt32(view.groups.count - view.leaderless.count)
            $0.groupsLedHere = UInt32(here.led[node.settings.node] ?? 0)
            $0.nodes = describeNodes(of: node, view, version: version)
            $0.problems = problems
            $0.unreadyReasons = unreadyReasons
            $0.brokenPromises = view.brokenPromises
        }
    }

    func survive(
        request: Staffetta_Admin_V1_SurviveRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_SurviveResponse {
        let report = try await answering { () async throws(AdministrationError) in
            try await node.policyAdministration.survive(
                pairs: request.pairs,
                losing: request.loseLabels.map { Label($0) },
                and: request.loseNodes.map { NodeID($0) }
            )
        }
        return .with {
            $0.losses = report.losses.map { .init($0) }
            $0.brokenPromises = report.brokenPromises
            $0.groups = UInt32(report.groups)
            $0.accounts = UInt64(report.accounts)
            $0.goneNodes = report.goneNodes.map(\.rawValue)
        }
    }

    // MARK: Events

    func listEvents(
        request: Staffetta_Admin_V1_ListEventsRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListEventsResponse {
        let events = try await events(after: request.after, limit: Self.limit(of: request))
        return .with { $0.events = events.map { .init($0) } }
    }

    func followEvents(
        request: Staffetta_Admin_V1_ListEventsRequest,
        response: RPCWriter<Staffetta_Admin_V1_Event>,
        context: ServerContext
    ) async throws {
        var last = request.after
        while !Task.isCancelled {
            let events = try await events(after: last, limit: Self.limit(of: request))
            for event in events {
                try await response.write(.init(event))
                last = event.sequence
            }
            if events.isEmpty { try await Task.sleep(for: .milliseconds(500)) }
        }
    }

    private static func limit(of request: Staffetta_Admin_V1_ListEventsRequest) -> Int {
        request.limit == 0 ? Paging.defaultSize : min(Int(request.limit), Paging.maximumSize)
    }

    private func events(after sequence: UInt64, limit: Int) async throws -> [NumberedEvent] {
        try await answering { () async throws(AdministrationError) in
            try await node.directoryAdministration.events(after: sequence, limit: limit)
        }
    }
}

/// From when on a group whose housekeeping is behind is told of.
enum HousekeepingProblem {
    /// Housekeeping looks every minute, and catches up with a day of much mail within minutes.
    private static let toleratedSeconds: Int64 = 3_600

    /// Nil where the group is not behind, or not for long.
    static func sentence(_ group: UInt32, backlogSeconds: Int64) -> String? {
        guard backlogSeconds > toleratedSeconds else { return nil }
        let (hours, minutes) = (backlogSeconds / 3_600, backlogSeconds / 60 % 60)
        return "group \(group): housekeeping is \(hours) h \(minutes) min behind"
    }
}
