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
        print("bug                          found after seeds")
        var missed = 0
        for mutant in mutants {
            let search = try search(mutant)
            let name = mutant.rawValue + String(repeating: " ", count: max(1, 29 - mutant.rawValue.count))
            switch search {
            case .found(let seeds): print(name + "\(seeds)")
            case .missed: print(name + "NOT FOUND in \(limit)")
            case .endless(let seed): print(name + "NOT FOUND in \(timeLimit) s, at seed \(seed)")
            }
            if case .found = search {} else { missed += 1 }
            fflush(nil)
        }
        print("\(mutants.count - missed) of \(mutants.count) found")
        if missed > 0 { throw ExitCode(1) }
    }

    private enum Search {
        case found(seeds: UInt64)
        case missed
        case endless(seed: UInt64)
    }

    /// In a process of its own: many bugs are found by a precondition, which ends it.
    private func search(_ mutant: Mutant) throws -> Search {
        let words = [
            "--mutant", mutant.rawValue, "--seeds", "1..\(limit)", "--seconds", "\(seconds)", "--stop-at-first",
        ]
        let child = try ChildRun(CommandLine.arguments[0], words, seconds: timeLimit)
        if child.status == 0 { return .missed }
        // Every seed is announced by a line of its own.
        let seeds = child.output.split(separator: "\n").compactMap { line in
            line.hasPrefix("begins seed ") ? UInt64(line.dropFirst("begins seed ".count)) : nil
        }
        let last = seeds.last ?? 0
        return child.isKilled ? .endless(seed: last) : .found(seeds: last)
    }
}
