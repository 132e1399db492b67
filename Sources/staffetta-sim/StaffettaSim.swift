internal import ArgumentParser
internal import Glibc
internal import Simulation

/// Runs clusters that do not exist, with everything going wrong, and checks that nothing is lost.
@main
struct StaffettaSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staffetta-sim",
        abstract: "Simulates a cluster under faults, from a seed, and checks every promise."
    )

    @Option(help: "Seeds to run, as FIRST..LAST.")
    var seeds: String?

    @Option(help: "One seed to run.")
    var seed: UInt64?

    @Option(help: "Simulated seconds with faults, per seed.")
    var seconds = 60

    @Option(
        help: """
            Puts a bug in that must be found: \
            \(SimulationOptions.Mutant.allCases.map(\.rawValue).joined(separator: ", ")).
            """
    )
    var mutant: String?

    @Flag(help: "Prints what happens while it happens.")
    var trace = false

    @Flag(help: "Prints a line for every seed.")
    var verbose = false

    func run() throws {
        let range = try parsedSeeds()
        var counts = SimulationCounts()
        var simulated = 0.0
        var failed: [UInt64] = []
        let start = ContinuousClock.now
        for seed in range {
            var options = SimulationOptions(seed: seed, seconds: seconds)
            options.isTraced = trace
            options.mutant = try parsedMutant()
            announce(seed)
            let report = Simulation.run(options)
            defer { fflush(nil) }
            counts.add(report.counts)
            simulated += report.simulatedSeconds
            if let violation = report.violation {
                failed.append(seed)
                explain(violation, options)
            } else if verbose {
                print("seed \(seed): \(String(report.digest, radix: 16)) after \(report.simulatedSeconds) s")
            }
        }
        summarize(range, counts, simulated, failed, ContinuousClock.now - start)
        if !failed.isEmpty { throw ExitCode(1) }
    }

    private func parsedSeeds() throws -> ClosedRange<UInt64> {
        if let seed { return seed...seed }
        let parts = (seeds ?? "1..10").split(separator: ".").compactMap { UInt64($0) }
        guard parts.count == 2, parts[0] <= parts[1] else { throw ValidationError("Seeds are given as FIRST..LAST.") }
        return parts[0]...parts[1]
    }

    private func parsedMutant() throws -> SimulationOptions.Mutant? {
        guard let mutant else { return nil }
        guard let known = SimulationOptions.Mutant(rawValue: mutant) else { throw ValidationError("No such mutant.") }
        return known
    }

    private func command(_ seed: UInt64) -> String {
        "staffetta-sim --seed \(seed) --seconds \(seconds)" + (mutant.map { " --mutant \($0)" } ?? "")
    }

    /// Leaves word for the case that a precondition of the node ends the process.
    private func announce(_ seed: UInt64) {
        CrashNote.set("a precondition failed; repeat with: \(command(seed)) --trace\n")
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
        _ range: ClosedRange<UInt64>,
        _ counts: SimulationCounts,
        _ simulated: Double,
        _ failed: [UInt64],
        _ duration: Duration
    ) {
        let real = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        for (name, value) in counts.table {
            print(name + String(repeating: " ", count: max(1, 28 - name.count)) + "\(value)")
        }
        let hours = (simulated / 36).rounded() / 100
        print("seeds \(range.lowerBound)..\(range.upperBound), \(hours) simulated hours, ", terminator: "")
        print("\(Int(simulated / max(real, 0.001))) simulated seconds per second")
        print(failed.isEmpty ? "no violation" : "VIOLATIONS in seeds \(failed)")
    }
}
