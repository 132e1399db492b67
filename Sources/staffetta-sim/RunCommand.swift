internal import ArgumentParser
internal import Consensus
internal import Glibc
internal import Simulation

/// Runs clusters that do not exist, with everything going wrong, and checks that nothing is lost.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Simulates a cluster under faults, from a seed, and checks every promise."
    )

    /// The exit status after a violation.
    static let violated: Int32 = 1

    @Option(help: "Seeds to run, as FIRST..LAST.")
    var seeds: String?

    @Option(help: "One seed to run.")
    var seed: UInt64?

    @Option(help: "Simulated seconds with faults, per seed.")
    var seconds = 60

    @Option(help: "Nodes of the cluster; when not given, the seed decides: 3, sometimes 5 or 7.")
    var nodes: Int?

    @Option(help: "Groups that share the accounts, besides the directory; when not given, the seed decides.")
    var groups: Int?

    @Option(help: "Clients; when not given, the seed decides.")
    var clients: Int?

    @Option(
        help: """
            Puts a bug in that must be found: \
            \(Mutant.allCases.map(\.rawValue).joined(separator: ", ")).
            """
    )
    var mutant: String?

    @Flag(help: "Prints what happens while it happens.")
    var trace = false

    @Flag(help: "Prints a line for every seed.")
    var verbose = false

    @Flag(help: "Says which seed begins, and stops at the first that fails.")
    var stopAtFirst = false

    @Option(help: "Goes on with further seeds until so many minutes have passed.")
    var minutes: Int?

    func run() throws {
        let range = try parsedSeeds()
        var counts = SimulationCounts()
        var simulated = 0.0
        var failed: [UInt64] = []
        let start = ContinuousClock.now
        var last = range.lowerBound
        for seed in range.lowerBound...UInt64.max {
            if let minutes {
                if ContinuousClock.now - start >= .seconds(60 * minutes) { break }
            } else if seed > range.upperBound {
                break
            }
            last = seed
            if stopAtFirst {
                print("begins seed \(seed)")
                fflush(nil)
            }
            var options = SimulationOptions(seed: seed, seconds: seconds)
            options.isTraced = trace
            options.mutant = try parsedMutant()
            if let nodes { options.nodes = nodes }
            if let groups { options.mailGroups = groups }
            if let clients { options.clients = clients }
            announce(seed)
            let report = Simulation.run(options)
            defer { fflush(nil) }
            counts.add(report.counts)
            simulated += report.simulatedSeconds
            if let violation = report.violation {
                failed.append(seed)
                explain(violation, options)
                if stopAtFirst { break }
            } else if verbose {
                print("seed \(seed): \(String(report.digest, radix: 16)) after \(report.simulatedSeconds) s")
            }
        }
        summarize(
            seeds: range.lowerBound...last,
            counts: counts,
            simulatedSeconds: simulated,
            failed: failed,
            duration: ContinuousClock.now - start
        )
        if !failed.isEmpty { throw ExitCode(Self.violated) }
    }

    private func printCoverage(_ coverage: FaultCoverage) {
        func row(_ name: String, _ cells: [String]) {
            let columns = cells.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }
            print(name + String(repeating: " ", count: max(1, 20 - name.count)) + columns.joined())
        }
        print("")
        row("faults, by role", FaultCoverage.Role.allCases.map { "\($0)" })
        for (name, hits) in coverage.table { row("  " + name, hits.map { "\($0)" }) }
        print("")
    }

    private func parsedSeeds() throws -> ClosedRange<UInt64> {
        if let seed { return seed...seed }
        let parts = (seeds ?? "1..10").split(separator: ".").compactMap { UInt64($0) }
        guard parts.count == 2, parts[0] <= parts[1] else { throw ValidationError("Seeds are given as FIRST..LAST.") }
        return parts[0]...parts[1]
    }

    private func parsedMutant() throws -> Mutant? {
        guard let mutant else { return nil }
        guard let known = Mutant(rawValue: mutant) else { throw ValidationError("No such mutant.") }
        return known
    }

    private func command(_ seed: UInt64) -> String {
        "staffetta-sim --seed \(seed) --seconds \(seconds)" + (nodes.map { " --nodes \($0)" } ?? "")
            + (groups.map { " --groups \($0)" } ?? "") + (clients.map { " --clients \($0)" } ?? "")
            + (mutant.map { " --mutant \($0)" } ?? "")
    }

    /// Leaves word for the case that a precondition of the node ends the process.
    private func announce(_ seed: UInt64) {
        CrashNote.set("\(CrashNote.opening); repeat with: \(command(seed)) --trace\n")
    }

    private func explain(_ violation: Violation, _ options: SimulationOptions) {
        print("seed \(options.seed): VIOLATED: \(violation)")
        print("repeat with: \(command(options.seed)) --trace")
        guard !trace else { return }
        var again = options
        again.traceLines = 60
        for line in Simulation.run(again).trace { print("  \(line)") }
    }

    private func summarize(
        seeds range: ClosedRange<UInt64>,
        counts: SimulationCounts,
        simulatedSeconds simulated: Double,
        failed: [UInt64],
        duration: Duration
    ) {
        let real = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        for (name, value) in counts.table {
            print(name + String(repeating: " ", count: max(1, 28 - name.count)) + "\(value)")
        }
        printCoverage(counts.coverage)
        let hours = (simulated / 36).rounded() / 100
        print("seeds \(range.lowerBound)..\(range.upperBound), \(hours) simulated hours, ", terminator: "")
        print("\(Int(simulated / max(real, 0.001))) simulated seconds per second")
        print(failed.isEmpty ? "no violation" : "VIOLATIONS in seeds \(failed)")
    }
}
