internal import AdminAPI
internal import Consensus
internal import GRPCCore
internal import MailModel
internal import NodeRuntime
internal import SwiftProtobuf

struct RulesService: Staffetta_Admin_V1_Rules.SimpleServiceProtocol {
    let node: Node

    func listRules(
        request: Staffetta_Admin_V1_ListRulesRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListRulesResponse {
        let rules = try await answering { () async throws(AdministrationError) in
            try await node.policyAdministration.rules()
        }
        return .with { $0.rules = rules.map { .init($0.pool, $0.rule) } }
    }

    func setRule(
        request: Staffetta_Admin_V1_SetRuleRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        let (pool, rule) = try request.rule.checked()
        let change = try await answering { () async throws(AdministrationError) in
            try await node.policyAdministration.set(rule, ofPool: pool, dryRun: request.dryRun)
        }
        return .with { $0.preview = .init(change.preview) }
    }

    func checkRules(
        request: Staffetta_Admin_V1_CheckRulesRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_CheckRulesResponse {
        let rule = request.hasRule ? try request.rule.checked() : nil
        let reports = try await answering { () async throws(AdministrationError) in
            try await node.policyAdministration.check(rule)
        }
        return .with {
            $0.pools = reports.map { report in
                .with {
                    $0.rule = .init(report.pool, report.rule)
                    $0.groups = UInt32(report.groups)
                    $0.groupsInOrder = UInt32(report.groupsInOrder)
                    $0.shortfalls = report.shortfalls
                    $0.violations = report.violations
                }
            }
        }
    }
}

struct SchedulerService: Staffetta_Admin_V1_Scheduler.SimpleServiceProtocol {
    let node: Node

    func getScheduler(
        request: Staffetta_Admin_V1_GetSchedulerRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_GetSchedulerResponse {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.policyAdministration.scheduler()
            }
        )
    }

    func setLimits(
        request: Staffetta_Admin_V1_SetLimitsRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_GetSchedulerResponse {
        let limits = request.limits
        guard limits.fullPercent <= 100, limits.balanceTolerancePercent <= 1_000 else {
            throw RPCError(
                code: .invalidArgument,
                message: "full_percent is at most 100, balance_tolerance_percent at most 1000"
            )
        }
        return .init(
            try await answering { () async throws(AdministrationError) in
                try await node.policyAdministration.changeScheduler { settings in
                    func set(_ key: WritableKeyPath<PlacementSettings, Int>, _ value: UInt32) {
                        if value > 0 { settings.placement[keyPath: key] = Int(value) }
                    }
                    set(\.deadAfterSeconds, limits.deadAfterSeconds)
                    set(\.balanceTolerancePercent, limits.balanceTolerancePercent)
                    set(\.fullPercent, limits.fullPercent)
                    set(\.movesPerNode, limits.movesPerNode)
                    set(\.movesPerCluster, limits.movesPerCluster)
                    set(\.transfersPerCluster, limits.transfersPerCluster)
                    if request.setsCopyPace {
                        settings.copyMebibytesPerSecond = limits.copyMebibytesPerSecond
                    }
                }
            }
        )
    }

    func pauseScheduler(
        request: Staffetta_Admin_V1_PauseSchedulerRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_GetSchedulerResponse {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.policyAdministration.pauseScheduler(seconds: Int(request.seconds))
            }
        )
    }

    func resumeScheduler(
        request: Staffetta_Admin_V1_ResumeSchedulerRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_GetSchedulerResponse {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.policyAdministration.changeScheduler { $0.pausedUntil = nil }
            }
        )
    }

    func rebalance(
        request: Staffetta_Admin_V1_RebalanceRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ChangeResponse {
        let id = OperationNumber.id(request.operationID, dryRun: request.dryRun)
        let change = try await answering { () async throws(AdministrationError) in
            try await node.operationAdministration.rebalance(as: id)
        }
        return .init(change)
    }
}

extension Staffetta_Admin_V1_ChangeResponse {
    init(_ change: AdminChange) {
        self = .with {
            $0.preview = .init(change.preview)
            if let operation = change.operation { $0.operation = .init(operation) }
        }
    }
}

extension Staffetta_Admin_V1_GetSchedulerResponse {
    fileprivate init(_ report: SchedulerReport) {
        let placement = report.settings.placement
        self = .with {
            $0.limits = .with {
                $0.deadAfterSeconds = UInt32(placement.deadAfterSeconds)
                $0.balanceTolerancePercent = UInt32(placement.balanceTolerancePercent)
                $0.fullPercent = UInt32(placement.fullPercent)
                $0.movesPerNode = UInt32(placement.movesPerNode)
                $0.movesPerCluster = UInt32(placement.movesPerCluster)
                $0.transfersPerCluster = UInt32(placement.transfersPerCluster)
                $0.copyMebibytesPerSecond = report.settings.copyMebibytesPerSecond
            }
            $0.pausedUntilMilliseconds = report.settings.pausedUntil?.rawValue ?? 0
            $0.node = report.node?.rawValue ?? 0
            $0.movesUnderWay = UInt32(report.movesUnderWay)
            $0.unrepaired = report.unrepaired
            $0.waiting = UInt32(report.waiting)
        }
    }
}

struct OperationsService: Staffetta_Admin_V1_Operations.SimpleServiceProtocol {
    let node: Node

    func listOperations(
        request: Staffetta_Admin_V1_ListOperationsRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListOperationsResponse {
        let operations = try await answering { () async throws(AdministrationError) in
            try await node.operationAdministration.operations(all: request.all)
        }
        return .with { $0.operations = operations.map { .init($0) } }
    }

    func getOperation(
        request: Staffetta_Admin_V1_GetOperationRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Operation {
        let id = try OperationNumber.parse(request.id)
        return .init(
            try await answering { () async throws(AdministrationError) in
                try await node.operationAdministration.operation(id)
            }
        )
    }

    func watchOperation(
        request: Staffetta_Admin_V1_GetOperationRequest,
        response: RPCWriter<Staffetta_Admin_V1_Operation>,
        context: ServerContext
    ) async throws {
        let id = try OperationNumber.parse(request.id)
        while !Task.isCancelled {
            let report = try await answering { () async throws(AdministrationError) in
                try await node.operationAdministration.operation(id)
            }
            try await response.write(.init(report))
            guard report.record.state == .running else { return }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    func cancelOperation(
        request: Staffetta_Admin_V1_GetOperationRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Operation {
        let id = try OperationNumber.parse(request.id)
        return .init(
            try await answering { () async throws(AdministrationError) in
                try await node.operationAdministration.cancel(id)
            }
        )
    }
}
