public import Logging
internal import NIOConcurrencyHelpers
public import NIOCore

/// Tells the log of clients that were turned away, once a minute at most: a client that tries all the time would fill
/// the log.
public final class LimitLog: Sendable {
    /// When the log may hear of the next one.
    private let tellAgain = NIOLockedValueBox<NIODeadline?>(nil)

    private static let silenceSeconds: Int64 = 60

    public init() {}

    /// Tells the log of one client, unless another one was told within the last minute.
    ///
    /// - Parameters:
    ///   - client: an address, or an account without its name.
    ///   - setting: the setting that names the client's limit.
    public func tell(_ client: String, setting: String, to logger: Logger, at now: NIODeadline) {
        guard mayTell(at: now) else { return }
        logger.notice(
            "A client was turned away: it has as many sessions as it may have",
            metadata: ["client": "\(client)", "setting": "\(setting)"]
        )
    }

    /// Whether the log may hear of a client now; it may not again for a minute then.
    package func mayTell(at now: NIODeadline) -> Bool {
        tellAgain.withLockedValue { tellAgain in
            if let next = tellAgain, now < next { return false }
            tellAgain = now + .seconds(Self.silenceSeconds)
            return true
        }
    }
}
