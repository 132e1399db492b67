public import Consensus
public import MailModel
internal import Placement

extension Node {
    /// What admins say of where replicas are to be.
    public var policyAdministration: PolicyAdministration { PolicyAdministration(node: self) }
}

/// Whether the groups of a pool keep its rule.
public struct PoolReport: Sendable {
    /// The pool.
    public let pool: String
    /// Its rule.
    public let rule: PlacementRule
    /// How many groups it has.
    public let groups: Int
    /// How many of them keep the rule.
    public let groupsInOrder: Int
    /// Why the nodes at hand cannot keep it, a sentence each.
    public let shortfalls: [String]
    /// Groups that do not keep it, and how, a sentence each; the first 100.
    public let violations: [String]
}

/// What the scheduler goes by, and what it has to do.
public struct SchedulerReport: Sendable {
    /// What admins have said.
    public let settings: SchedulerSettings
    /// The node that leads the directory, where the scheduler runs; nil where it is not known.
    public let node: NodeID?
    /// Groups that are on the way to other nodes.
    public let movesUnderWay: Int
    /// What is wrong and stays so, and why, a sentence each.
    public let unrepaired: [String]
    /// Groups whose repair waits for a limit.
    public let waiting: Int
}

/// What admins say of where replicas are to be, through one node.
public struct PolicyAdministration: Sendable {
    let node: Node

    private var directory: DirectoryAdministration { node.directoryAdministration }
    private static let longestPauseSeconds = 7 * 24 * 3_600
    private static let maximumViolations = 100

    // MARK: Rules

    /// The rules of all pools that have groups or a rule, by pool.
    ///
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    public func rules() async throws(AdministrationError) -> [(pool: String, rule: PlacementRule)] {
        let look = try await node.look()
        return zip(look.view.pools, look.view.rules).map { ($0, $1) }
    }

    /// Whether the nodes at hand can keep the rules, and whether the groups do.
    ///
    /// - Parameter rule: what is looked at instead of the rule of its pool.
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    public func check(_ rule: (pool: String, rule: PlacementRule)?) async throws(AdministrationError) -> [PoolReport] {
        let look = try await node.look()
        var rules = look.directory.policy.rules
        if let rule { rules[rule.pool] = rule.rule }
        let view = look.view.withRules(rules)
        let violations = RuleCheck.violationsByGroup(in: view)
        return view.pools.enumerated().filter { rule == nil || $1 == rule?.pool }.map { number, pool in
            let groups = Set(view.groups.filter { $0.pool == pool }.map(\.id))
            let found = violations.filter { groups.contains($0.group) }
            return PoolReport(
                pool: pool,
                rule: view.rules[number],
                groups: groups.count,
                groupsInOrder: groups.count - found.count,
                shortfalls: SpreadShortfall.all(ofPool: pool, in: view).map(\.description),
                violations: found.prefix(Self.maximumViolations).flatMap { group, violations in
                    violations.map { "group \(group.rawValue): \($0)" }
                }
            )
        }
    }

    /// Sets the rule of a pool. Groups that do not keep it are moved.
    ///
    /// - Throws: ``AdministrationError``: `.failedPrecondition` where there are too many pools, `.unavailable` where no
    ///   quorum answers in time.
    public func set(
        _ rule: PlacementRule,
        ofPool pool: String,
        dryRun: Bool
    ) async throws(AdministrationError) -> AdminChange {
        let look = try await node.look()
        var rules = look.directory.policy.rules
        rules[pool] = rule
        let changed = look.view.withRules(rules)
        let preview = ChangePreview(during: changed, Foresight(from: changed) { $0.reason.isRepair })
        guard !dryRun else { return AdminChange(preview: preview, operation: nil) }
        switch try await directory.tell(.setRule(pool: pool, rule)) {
        case .done: return AdminChange(preview: preview, operation: nil)
        case .refused(.tooManyEntries):
            throw AdministrationError(
                .failedPrecondition,
                "\(PlacementRule.maximumPools) pools have a rule of their own; there cannot be more"
            )
        case let outcome: throw AdministrationError(.failedPrecondition, "the directory answered \(outcome)")
        }
    }

    // MARK: The scheduler

    /// What the scheduler goes by, and what it has to do.
    ///
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    public func scheduler() async throws(AdministrationError) -> SchedulerReport {
        let look = try await node.look()
        let plan = Planner.plan(look.view)
        return SchedulerReport(
            settings: look.directory.policy.scheduler,
            node: look.view.group(.directory)?.leader,
            movesUnderWay: look.view.movesUnderWay.count,
            unrepaired: plan.unrepaired.prefix(Self.maximumViolations).map(\.description),
            waiting: plan.waiting.count
        )
    }

    /// Changes what the scheduler goes by.
    ///
    /// - Throws: ``AdministrationError``, `.unavailable` where no quorum answers in time.
    public func changeScheduler(
        _ change: (inout SchedulerSettings) -> Void
    ) async throws(AdministrationError) -> SchedulerReport {
        guard let known = try await directory.directory() else { throw .unavailable }
        var settings = known.policy.scheduler
        change(&settings)
        guard case .done = try await directory.tell(.setScheduler(settings)) else { throw .unavailable }
        return try await scheduler()
    }

    /// Has the scheduler move nothing by itself for a time.
    ///
    /// - Parameter seconds: 1 to 7 days.
    /// - Throws: ``AdministrationError``: `.invalidArgument`, `.unavailable` where no quorum answers in time.
    public func pauseScheduler(seconds: Int) async throws(AdministrationError) -> SchedulerReport {
        guard (1...Self.longestPauseSeconds).contains(seconds) else {
            throw AdministrationError(.invalidArgument, "the scheduler can be paused for 1 second to 7 days")
        }
        let end = Timestamp(milliseconds: directory.mail.now().rawValue + Int64(seconds) * 1_000)
        return try await changeScheduler { $0.pausedUntil = end }
    }
}
