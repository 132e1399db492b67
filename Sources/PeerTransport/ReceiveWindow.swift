internal import NIOConcurrencyHelpers
internal import NIOCore

/// What one connection has brought and nobody has dealt with yet, in bytes. Beyond a limit nothing more is read from
/// the socket, so that whoever sends feels it.
final class ReceiveWindow: Sendable {
    private struct State {
        var bytes = 0
        /// Somebody wanted to read and has to be told when there is room.
        var isHeld = false
    }

    private let limit: Int
    private let state = NIOLockedValueBox(State())
    private let resume: @Sendable () -> Void

    /// - Parameter resume: told, on any thread, when reading may go on after it was held.
    init(limit: Int, resume: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.resume = resume
    }

    /// Whether more may be read now; where not, `resume` is called later.
    func mayRead() -> Bool {
        state.withLockedValue { state in
            state.isHeld = state.bytes >= limit
            return !state.isHeld
        }
    }

    fileprivate func take(_ bytes: Int) { state.withLockedValue { $0.bytes += bytes } }

    fileprivate func giveBack(_ bytes: Int) {
        let isResumed = state.withLockedValue { state in
            state.bytes -= bytes
            guard state.isHeld, state.bytes <= limit / 2 else { return false }
            state.isHeld = false
            return true
        }
        if isResumed { resume() }
    }
}

/// Stands for a batch of messages in the window of the connection that brought it. Whoever has dealt with the batch
/// lets go of it: the last one makes room for others.
public final class PeerReceipt: Sendable {
    private let window: ReceiveWindow
    private let bytes: Int

    init(for messages: [PeerMessage], in window: ReceiveWindow) {
        self.window = window
        bytes = messages.reduce(0) { $0 + $1.approximateBytes }
        window.take(bytes)
    }

    deinit { window.giveBack(bytes) }
}
