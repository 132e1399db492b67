internal import NIOCore

/// Ends a session whose client says nothing for too long. To start it again costs no timer: the one that runs looks
/// when it ends whether it is still due.
struct CommandTimeout {
    private final class Timer {
        var deadline: NIODeadline
        var scheduled: Scheduled<Void>?

        init(deadline: NIODeadline) { self.deadline = deadline }
    }

    private var timer: Timer?

    /// Counts anew from now.
    ///
    /// - Parameter expired: called on the loop when nothing has started it again for so long.
    mutating func restart(_ time: TimeAmount, on loop: any EventLoop, _ expired: @escaping @Sendable () -> Void) {
        let deadline = loop.now + time
        if let timer {
            timer.deadline = deadline
            return
        }
        let timer = Timer(deadline: deadline)
        self.timer = timer
        Self.schedule(timer, on: loop, expired)
    }

    private static func schedule(_ timer: Timer, on loop: any EventLoop, _ expired: @escaping @Sendable () -> Void) {
        let bound = NIOLoopBound(timer, eventLoop: loop)
        timer.scheduled = loop.scheduleTask(deadline: timer.deadline) {
            let timer = bound.value
            if timer.deadline <= loop.now { expired() } else { schedule(timer, on: loop, expired) }
        }
    }

    mutating func cancel() {
        timer?.scheduled?.cancel()
        timer = nil
    }
}
