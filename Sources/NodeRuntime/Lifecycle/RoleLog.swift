internal import Consensus
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Says who leads which group: a line for each change while few groups change, one line for all while many do.
final class RoleLog: Sendable {
    /// Lines for single groups in one interval.
    static let maximumLines = 16
    static let interval = TimeAmount.seconds(1)

    private enum Part { case leads, follows, unknown }

    private struct State {
        var parts: [GroupID: Part] = [:]
        var lines = 0
        var untold = 0
        var isScheduled = false
    }

    private let logger: Logger
    private let loop: any EventLoop
    private let state = NIOLockedValueBox(State())

    init(logger: Logger, loop: any EventLoop) {
        self.logger = logger
        self.loop = loop
    }

    /// Tells the role that this node's replica of a group has now, at level `info`, or, after ``maximumLines`` in one
    /// interval, at level `debug`.
    ///
    /// - Parameter leader: the node that leads the group; nil where this node knows of none.
    func noteRole(_ role: RoleKind, of group: GroupID, term: Term, leader: NodeID?) {
        let (isTold, schedules) = state.withLockedValue { state in
            state.parts[group] = role == .leader ? .leads : leader == nil ? .unknown : .follows
            let isTold = state.lines < Self.maximumLines
            if isTold { state.lines += 1 } else { state.untold += 1 }
            defer { state.isScheduled = true }
            return (isTold, !state.isScheduled)
        }
        let name = leader.map { "node \($0.rawValue)" } ?? "unknown"
        logger.log(
            level: isTold ? .info : .debug,
            "group \(group.rawValue): \(role) in term \(term.rawValue), leader \(name)"
        )
        if schedules { _ = loop.scheduleTask(in: Self.interval) { self.sumUp() } }
    }

    /// At the end of an interval.
    private func sumUp() {
        let (untold, counts) = state.withLockedValue { state in
            defer {
                state.lines = 0
                state.untold = 0
                state.isScheduled = false
            }
            var counts: [Part: Int] = [:]
            if state.untold > 0 { for part in state.parts.values { counts[part, default: 0] += 1 } }
            return (state.untold, counts)
        }
        guard untold > 0 else { return }
        logger.info(
            """
            groups: \(untold) more changes; leads \(counts[.leads] ?? 0), follows \(counts[.follows] ?? 0), \
            \(counts[.unknown] ?? 0) without a known leader
            """
        )
    }
}
