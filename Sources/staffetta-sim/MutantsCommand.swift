internal import ArgumentParser
internal import Consensus
internal import Glibc

/// Puts known bugs back, one at a time, and counts the seeds until the simulator finds each.
struct MutantsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mutants",
        abstract: "Puts known bugs back, one at a time: the simulator must find each.",
        discussion: """
            Needs a build with the bugs in it:
              swift run -c release --traits Mutants staffetta-sim mutants

            Found is a bug whose run reports a violation, or ends in a precondition of the node. Ends with status 1 when
            one is not found, and when a run ends in any other way.
            """
    )

    @Option(help: "Seeds after which a bug counts as not found.")
    var limit: UInt64 = 200

    @Option(help: "Simulated seconds with faults, per seed.")
    var seconds = 20

    @Option(help: "Seconds of real time after which a bug counts as not found.")
    var timeLimit: Int64 = 600

    @Option(help: "Only this one.")
    var only: String?

    func run() throws {
        guard Mutant.isBuiltIn else {
            throw ValidationError("This build has no bugs in it; build with --traits Mutants.")
        }
        let mutants = Mutant.allCases.filter { only == nil || $0.rawValue == only }
        guard !mutants.isEmpty else { throw ValidationError("There is no mutant \(only ?? "").") }
        row("bug", result: "found after seeds", how: "by")
        var missed = 0
        for mutant in mutants {
            let verdict = try search(mutant)
            switch verdict {
            case .found(let seeds, let finding): row(mutant.rawValue, result: "\(seeds)", how: "\(finding)")
            case .missed: row(mutant.rawValue, result: "NOT FOUND in \(limit)")
            case .endless(let seed): row(mutant.rawValue, result: "NOT FOUND in \(timeLimit) s, at seed \(seed)")
            case .failed(let reason): row(mutant.rawValue, result: "ERROR: \(reason)")
            }
            if case .found = verdict {} else { missed += 1 }
        }
        print("\(mutants.count - missed) of \(mutants.count) found")
        if missed > 0 { throw ExitCode(1) }
    }

    private func row(_ name: String, result: String, how: String = "") {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        print(padded(name, 29) + (how.isEmpty ? result : padded(result, 19) + how))
        fflush(nil)
    }

    /// In a process of its own: many bugs are found by a precondition, which ends it.
    private func search(_ mutant: Mutant) throws -> MutantVerdict {
        let words = ["--mutant", mutant.rawValue, "--seconds", "\(seconds)", "--stop-at-first"]
        let run = try ChildRun(words + ["--seeds", "1..\(limit)"], seconds: timeLimit, backtrace: "enable=no")
        let verdict = MutantVerdict(run)
        guard case .found(let seed, .trap(nil)) = verdict else { return verdict }
        // Each backtrace takes seconds: only the seed that fails is run again for one.
        let again = try ChildRun(words + ["--seed", "\(seed)"], seconds: timeLimit, backtrace: Self.backtrace)
        switch MutantVerdict(again) {
        case .found(_, .trap(nil)): return .failed("seed \(seed): a trap, and not known to be one of the node")
        case .found(_, let finding): return .found(seeds: seed, finding)
        case .missed, .endless, .failed: return .failed("seed \(seed) does not repeat")
        }
    }

    private static let backtrace = "enable=yes,interactive=no,color=no,threads=crashed,registers=none,images=none"
}
