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
        /// A precondition of the node, with what the runtime says of it.
        case trap(message: String)

        var description: String {
            switch self {
            case .violation(let invariant): "violation: \(invariant)"
            case .trap(let message): "trap: \(message)"
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
        return .trap(message: message(output) ?? CrashNote.opening)
    }

    /// What the runtime says of a trap: its message, in a debug build, or else its kind and the function, from the
    /// backtrace.
    static func message(_ output: String) -> String? {
        if let line = output.firstMatch(of: /Fatal error: (.+)/) { return shortened(line.output.1) }
        return nil
    }

    private static func unknown(_ run: ChildRun) -> MutantVerdict {
        let end =
            switch run.ending {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "signal \(signal)"
            case .outOfTime: "no end"
            }
        let last = run.output.split(separator: "\n").last.map { ": \(shortened($0))" }
        return .failed(end + (last ?? ""))
    }

    private static func shortened(_ text: some StringProtocol) -> String {
        text.count > 60 ? text.prefix(57) + "..." : String(text)
    }
}
