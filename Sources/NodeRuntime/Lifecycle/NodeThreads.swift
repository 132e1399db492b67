/// The threads of a node: agent, replica loops, log writer, appliers, installer.
final class NodeThreads: Sendable {
    /// In the order in which they stop: that of the data's way.
    private let threads: [(stop: @Sendable () -> Void, thread: LoopThread)]

    /// Takes the parts of the core over: from here on each belongs to its thread.
    init(_ core: NodeCore) {
        let agent = Self.thread(
            named: "agent",
            of: core.agent,
            core.agent.inbox,
            turn: { $0.turn() },
            sleep: \.millisecondsToNextTick
        )
        let loops = core.loops.enumerated().map { lane, loop in
            Self.thread(
                named: "loop-\(lane)",
                of: loop,
                loop.floor.ways.inbox,
                turn: { $0.turn() },
                sleep: \.millisecondsToNextTick
            )
        }
        let writer = Self.thread(
            named: "log-writer",
            of: core.writer,
            core.writer.inbox,
            turn: { $0.turn() },
            sleep: Self.idle
        )
        let appliers = core.appliers.enumerated().map { position, applier in
            Self.thread(named: "applier-\(position)", of: applier, applier.inbox, turn: { $0.turn() }, sleep: Self.idle)
        }
        let installer = Self.thread(
            named: "installer",
            of: core.installer,
            core.installer.inbox,
            turn: { $0.turn() },
            sleep: Self.idle
        )
        threads = [agent] + loops + [writer] + appliers + [installer]
    }

    /// How long a part without ticks sleeps at most, in milliseconds.
    private static func idle<Part>(_ part: Part) -> Int64 { 1_000 }

    private static func thread<Part, Item>(
        named name: String,
        of part: Part,
        _ inbox: Inbox<Item>,
        turn: @escaping @Sendable (Part) -> Bool,
        sleep: @escaping @Sendable (Part) -> Int64
    ) -> (stop: @Sendable () -> Void, thread: LoopThread) {
        let owned = ThreadOwned(part: part)
        let thread = LoopThread(named: name) {
            while !inbox.isStopped {
                if !turn(owned.part) { inbox.wait(milliseconds: Double(sleep(owned.part))) }
            }
        }
        return ({ inbox.stop() }, thread)
    }

    /// How long a thread may take to end. One that waits for a disk that hangs never does.
    static let stopSeconds = 30.0

    /// Stops the threads in the order of the data's way, and waits for them.
    ///
    /// - Returns: whether all have ended.
    func stop() -> Bool {
        for (stop, thread) in threads {
            stop()
            guard thread.join(seconds: Self.stopSeconds) else { return false }
        }
        return true
    }

    /// A part that is touched by one thread only.
    ///
    /// `@unchecked Sendable`: the parts are made before the threads and reached through nothing else afterwards; they
    /// talk to each other through inboxes, which lock.
    private struct ThreadOwned<Part>: @unchecked Sendable { let part: Part }
}
