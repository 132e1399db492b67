internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import SwiftProtobuf

struct RuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule",
        abstract: "Where replicas may lie, and who may lead.",
        subcommands: [List.self, Set.self, Check.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the rules.",
            discussion: "Example: staffettactl rule list"
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let list = try await rules(connection)
            try connection.show(list) { ruleTable(list.rules) }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the rule of a pool; what is not named stays as it is.",
            discussion: """
                Groups that do not keep the new rule are moved. A label on probation (--canary) holds at most one \
                replica of a group, and never leads.

                Examples:
                  staffettactl rule set --voters 5
                  staffettactl rule set --spread vendor,datacenter,rack
                  staffettactl rule set --canary firmware=9.1 --dry-run
                  staffettactl rule set --constraint 'region in italy,france' --constraint 'ssd exists'
                  staffettactl rule set --no-canaries
                """
        )
        @Option(help: "The pool.") var pool = "default"
        @Option(help: "Voters of each group: 1, 3, 5 or 7.") var voters: UInt32?
        @Option(help: ArgumentHelp("Keys of labels to spread over, the most important first.", valueName: "key,..."))
        var spread: String?
        @Option(
            help: ArgumentHelp(
                "What every node with a replica must fulfil: \"KEY in A,B\", \"KEY not-in A,B\" or \"KEY exists\".",
                valueName: "constraint"
            )
        )
        var constraint: [String] = []
        @Flag(help: "Without constraints.") var noConstraints = false
        @Option(help: ArgumentHelp("Who is rather to lead, the best first.", valueName: "key=value"))
        var leader: [String] = []
        @Flag(help: "Without preferences of leaders.") var noLeaders = false
        @Option(help: ArgumentHelp("A label on probation.", valueName: "key=value")) var canary: [String] = []
        @Flag(help: "Without labels on probation.") var noCanaries = false
        @OptionGroup var change: ChangeOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            for label in leader + canary { _ = try RuleText.label(label) }
            for text in constraint { _ = try RuleText.constraint(text) }
        }

        func run() async throws {
            let known = try await rules(connection).rules.first { $0.pool == pool }
            var rule =
                known
                ?? .with {
                    $0.pool = pool
                    $0.voters = 3
                    $0.spread = ["vendor", "datacenter"]
                }
            if let voters { rule.voters = voters }
            if let spread { rule.spread = spread.split(separator: ",").map(String.init) }
            if noConstraints { rule.constraints = [] }
            if noLeaders { rule.leaderPreferences = [] }
            if noCanaries { rule.canaries = [] }
            if !constraint.isEmpty { rule.constraints = try constraint.map(RuleText.constraint) }
            if !leader.isEmpty { rule.leaderPreferences = try leader.map(RuleText.label) }
            for label in try canary.map(RuleText.label) where !rule.canaries.contains(label) {
                rule.canaries.append(label)
            }
            let request = Staffetta_Admin_V1_SetRuleRequest.with {
                $0.rule = rule
                $0.dryRun = change.dryRun
            }
            let response = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Rules.Client(wrapping: client).setRule(request, options: .admin())
            }
            try await ChangeOutput(connection: connection, isDryRun: change.dryRun).show(
                response,
                preview: response.preview,
                nil,
                done: "the rule of pool \(pool) is set; `staffettactl rule check` says whether it is kept"
            )
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Whether the nodes at hand can keep the rules, and whether the groups do.",
            discussion: """
                The exit status is 1 when a rule is not kept.

                Example: staffettactl rule check
                """
        )
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let checked = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Rules.Client(wrapping: client)
                    .checkRules(Staffetta_Admin_V1_CheckRulesRequest(), options: .admin())
            }
            try connection.show(checked) {
                Table(
                    header: ["POOL", "GROUPS", "KEEP THE RULE"],
                    rows: checked.pools.map { ["\($0.rule.pool)", "\($0.groups)", "\($0.groupsInOrder)"] }
                )
            }
            let isKept = checked.pools.allSatisfy { $0.shortfalls.isEmpty && $0.groups == $0.groupsInOrder }
            if connection.format == .table {
                for pool in checked.pools {
                    for text in pool.shortfalls { print("\npool \(pool.rule.pool) cannot be as it should: \(text)") }
                    for text in pool.violations { print("  \(text)") }
                }
                if isKept { print("\nall rules are kept") }
            }
            if !isKept { throw ExitCode(1) }
        }
    }
}

private func rules(_ connection: ConnectionOptions) async throws -> Staffetta_Admin_V1_ListRulesResponse {
    try await connection.call(.harmless) { client in
        try await Staffetta_Admin_V1_Rules.Client(wrapping: client)
            .listRules(Staffetta_Admin_V1_ListRulesRequest(), options: .admin())
    }
}

private func ruleTable(_ rules: [Staffetta_Admin_V1_Rule]) -> Table {
    Table(
        header: ["POOL", "VOTERS", "SPREAD OVER", "CONSTRAINTS", "LEADERS", "ON PROBATION"],
        rows: rules.map { rule in
            [
                rule.pool, "\(rule.voters)", (rule.spread + ["node"]).joined(separator: ", "),
                rule.constraints.map { constraint in
                    let values = constraint.values.joined(separator: ",")
                    return [constraint.key, constraint.operator, values].filter { !$0.isEmpty }.joined(separator: " ")
                }.joined(separator: "; "),
                rule.leaderPreferences.map { "\($0.key)=\($0.value)" }.joined(separator: ", "),
                rule.canaries.map { "\($0.key)=\($0.value)" }.joined(separator: ", "),
            ]
        }
    )
}

/// Labels and constraints as people write them.
enum RuleText {
    static func label(_ text: String) throws -> Staffetta_Admin_V1_Label {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            throw ValidationError("\"\(text)\" is no label: expected KEY=VALUE, such as vendor=alfa")
        }
        return .with {
            $0.key = parts[0]
            $0.value = parts[1]
        }
    }

    static func constraint(_ text: String) throws -> Staffetta_Admin_V1_Constraint {
        let words = text.split(separator: " ", maxSplits: 2).map(String.init)
        let isComplete = words.count == 3 && ["in", "not-in"].contains(words[1])
        guard isComplete || words.count == 2 && words[1] == "exists" else {
            throw ValidationError(
                "\"\(text)\" is no constraint: expected \"KEY in A,B\", \"KEY not-in A,B\" or \"KEY exists\""
            )
        }
        return .with {
            $0.key = words[0]
            $0.operator = words[1]
            $0.values = words.count == 3 ? words[2].split(separator: ",").map(String.init) : []
        }
    }
}
