/// The threads of a node: replica loop, log writer, applier, and a small pool for reads that may block.
final class NodeThreads: Sendable {
    private let loop: LoopThread
    private let writer: LoopThread
    private let applier: LoopThread
    private let stopLoop: @Sendable () -> Void
    private let stopWriter: @Sendable () -> Void
    private let stopApplier: @Sendable () -> Void

    /// Takes the parts of the core over: from here on each belongs to its thread.
    init(_ core: NodeCore) {
        let loopInbox = core.inbox
        let writerInbox = core.writer.inbox
        let applierInbox = core.applierLoop.inbox
        let parts = ThreadOwned(loop: core.loop, writer: core.writer, applier: core.applierLoop)
        loop = LoopThread {
            while !loopInbox.isStopped {
                if !parts.loop.turn() { loopInbox.wait(milliseconds: Double(parts.loop.millisecondsToNextTick)) }
            }
        }
        writer = LoopThread {
            while !writerInbox.isStopped {
                if !parts.writer.turn() { writerInbox.wait(milliseconds: 1_000) }
            }
        }
        applier = LoopThread {
            while !applierInbox.isStopped {
                if !parts.applier.turn() { applierInbox.wait(milliseconds: 1_000) }
            }
        }
        stopLoop = { loopInbox.stop() }
        stopWriter = { writerInbox.stop() }
        stopApplier = { applierInbox.stop() }
    }

    /// How long a thread may take to end. One that waits for a disk that hangs never does.
    static let stopSeconds = 30.0

    /// Stops the threads in the order of the data's way, and waits for them.
    ///
    /// - Returns: whether all have ended.
    func stop() -> Bool {
        for (stop, thread) in [(stopLoop, loop), (stopWriter, writer), (stopApplier, applier)] {
            stop()
            guard thread.join(seconds: Self.stopSeconds) else { return false }
        }
        return true
    }

    /// The three parts, each touched by one thread only.
    ///
    /// `@unchecked Sendable`: the parts are made before the threads and reached through nothing else afterwards; they
    /// talk to each other through inboxes, which lock.
    private struct ThreadOwned: @unchecked Sendable {
        let loop: NodeLoop
        let writer: LogWriter
        let applier: ApplierLoop
    }
}
