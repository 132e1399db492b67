internal import Glibc
internal import NIOConcurrencyHelpers

/// A plain thread around a `turn()`. ``join(seconds:)`` waits for its end.
final class LoopThread: Sendable {
    private let finished = ConditionLock<Bool>(value: false)

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () -> Void) {
        let finished = finished
        let start = Start {
            body()
            finished.lock()
            finished.unlock(withValue: true)
        }
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Start>.fromOpaque(raw).takeRetainedValue().body()
                return nil
            },
            Unmanaged.passRetained(start).toOpaque()
        )
        precondition(status == 0, "the system gives no more threads (error \(status))")
        pthread_detach(thread)
    }

    /// Waits for the end of the thread, so long at most.
    ///
    /// - Returns: whether the thread has ended.
    func join(seconds: Double) -> Bool {
        guard finished.lock(whenValue: true, timeoutSeconds: seconds) else { return false }
        finished.unlock()
        return true
    }
}
