internal import NIOConcurrencyHelpers

extension StateWatch {
    /// Lets the agent see since when calls of the state are under way.
    static func watchCalls(
        of core: NodeCore,
        reads: BlockingPool,
        background: BlockingPool,
        clock: SystemClock
    ) {
        var watches = [
            StateWatch(name: "a read of the state") { reads.oldestStartMilliseconds() },
            // A flush of what memory held under load takes its time on a slow disk.
            StateWatch(name: "a flush of the state", patience: 6) { background.oldestStartMilliseconds() },
        ]
        /// A function for a part to say whether it works, and the look at since when.
        func progress() -> (note: @Sendable (Bool) -> Void, startMilliseconds: @Sendable () -> Int64?) {
            let start = NIOLockedValueBox<Int64?>(nil)
            return (
                { isWorking in
                    let now = isWorking ? clock.monotonicMilliseconds() : nil
                    start.withLockedValue { $0 = now }
                },
                { start.withLockedValue { $0 } }
            )
        }
        for applier in core.appliers {
            let applying = progress()
            applier.willWork = applying.note
            watches.append(StateWatch(name: "a write of the state", startMilliseconds: applying.startMilliseconds))
        }
        let installing = progress()
        core.installer.willWork = installing.note
        watches.append(
            StateWatch(name: "an install of a snapshot", patience: 6, startMilliseconds: installing.startMilliseconds)
        )
        core.agent.disk.stateWatches = watches
    }
}
