internal import Glibc

/// What the search for a bug came to.
enum MutantVerdict {
    case found(seeds: UInt64, Finding)
    case missed
    case endless(seed: UInt64)
    /// The search ended for a reason of its own, and says nothing of the bug.
    case failed(String)

    enum Finding: CustomStringConvertible {
        case violation(invariant: String)
        /// A precondition that failed, with what the runtime says of it, which may be nothing.
        case trap(message: String?)

        var description: String {
            switch self {
            case .violation(let invariant): "violation: \(invariant)"
            case .trap(let message): "trap: \(message ?? "")"
            }
        }
    }

    /// - Parameter run: of all seeds, up to the first that fails.
    init(_ run: ChildRun) {
        // Every seed is announced by a line of its own.
        let seeds = run.output.split(separator: "\n").compactMap { $0.wholeMatch(of: /begins seed (\d+)/)?.output.1 }
        let last = seeds.last.flatMap { UInt64($0) }
        switch (run.ending, last) {
        case (.outOfTime, let last): self = .endless(seed: last ?? 0)
        case (.exited(0), _?): self = .missed
        case (.exited(RunCommand.violated), let last?):
            self = Self.violation(run.output).map { .found(seeds: last, $0) } ?? Self.unknown(run)
        case (.signalled(let signal), let last?):
            self = Self.trap(signal, run.output).map { .found(seeds: last, $0) } ?? Self.unknown(run)
        case (.exited, _), (.signalled, nil): self = Self.unknown(run)
        }
    }

    private static func violation(_ output: String) -> Finding? {
        output.firstMatch(of: /VIOLATED: (.+?) at [\d.]+ s:/).map { .violation(invariant: shortened($0.output.1)) }
    }

    /// Not what the system ended, for want of memory or for a bad address.
    private static func trap(_ signal: Int32, _ output: String) -> Finding? {
        guard signal == SIGILL || signal == SIGTRAP, output.contains(CrashNote.opening) else { return nil }
        return .trap(message: fatalError(output) ?? runtimeFailure(output))
    }

    /// A message that the program has for its end.
    private static func fatalError(_ output: String) -> String? {
        guard let line = output.firstMatch(of: /(\w+)\/[\w+]+\.swift:\d+: Fatal error: (.+)/)?.output,
            isOfTheNode(line.1)
        else { return nil }
        return shortened(line.2)
    }

    /// The kind of a failure without a message, and where it was, by the backtrace.
    private static func runtimeFailure(_ output: String) -> String? {
        // In the heading, or, where the failure was inlined, in a frame of its own.
        guard let kind = output.firstMatch(of: /Swift runtime failure: (.+?)(?: \*\*\*| in \S+ at )/)?.output.1 else {
            return nil
        }
        // What a package failed at, it was given by the first of ours below it.
        let frames = output.split(separator: "\n").filter { !$0.contains("/checkouts/") }
        let place = /\/Sources\/([\w-]+)\/(?:\S+\/)?([\w+]+\.swift:\d+)/
        let places = frames.compactMap { $0.firstMatch(of: place)?.output }
        guard let first = places.first, isOfTheNode(first.1) else { return nil }
        return shortened("\(kind) at \(first.2)")
    }

    /// When the simulator itself fails, it has found nothing.
    private static func isOfTheNode(_ module: Substring) -> Bool {
        !["Simulation", "staffetta-sim", "staffetta_sim"].contains(module)
    }

    private static func unknown(_ run: ChildRun) -> MutantVerdict {
        let end =
            switch run.ending {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "signal \(signal)"
            case .outOfTime: "no end"
            }
        let lines = run.output.split(separator: "\n")
        let reason = lines.last { $0.hasPrefix("Error: ") } ?? lines.last
        return .failed(end + (reason.map { ": \(shortened($0))" } ?? ""))
    }

    private static func shortened(_ text: some StringProtocol) -> String {
        text.count > 60 ? text.prefix(57) + "..." : String(text)
    }
}
