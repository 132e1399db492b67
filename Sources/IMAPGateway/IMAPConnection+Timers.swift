internal import IMAPSession
internal import NIOCore

/// The timers of a connection.
struct ConnectionTimers {
    var lastActivity: NIODeadline?
    var idle: Scheduled<Void>?
    var login: Scheduled<Void>?
    var heartbeat: Scheduled<Void>?

    mutating func cancel() {
        idle?.cancel()
        login?.cancel()
        heartbeat?.cancel()
    }
}

extension IMAPConnection {
    func startTimers(_ context: ChannelHandlerContext) {
        let settings = configuration.settings
        let loop = context.eventLoop.assumeIsolated()
        timers.login = loop.scheduleTask(in: .seconds(settings.loginSeconds)) {
            guard !self.session.isAuthenticated else { return }
            self.end(.loginTooSlow)
        }
        scheduleIdleCheck(context, in: .seconds(settings.idleSeconds))
        scheduleHeartbeat(context)
    }

    /// One timer per connection, however many commands come: when the timer fires, it looks when the last one came.
    private func scheduleIdleCheck(_ context: ChannelHandlerContext, in time: TimeAmount) {
        let limit = TimeAmount.seconds(configuration.settings.idleSeconds)
        timers.idle = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            guard let context = self.context, !self.isClosing else { return }
            let quiet = context.eventLoop.now - (self.timers.lastActivity ?? context.eventLoop.now)
            if quiet >= limit {
                self.end(.idleTooLong)
            } else {
                self.scheduleIdleCheck(context, in: limit - quiet)
            }
        }
    }

    /// A dead peer shows when the heartbeat cannot be delivered.
    private func scheduleHeartbeat(_ context: ChannelHandlerContext) {
        let interval = TimeAmount.seconds(configuration.settings.heartbeatSeconds)
        timers.heartbeat = context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            guard let context = self.context, !self.isClosing else { return }
            self.session.heartbeat()
            self.process()
            self.scheduleHeartbeat(context)
        }
    }

    private func end(_ reason: SessionEnd) {
        session.end(reason)
        process()
    }
}
