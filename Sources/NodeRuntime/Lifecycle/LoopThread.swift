internal import Glibc
internal import NIOConcurrencyHelpers

/// A plain thread around a `turn()`. ``join(seconds:)`` waits for its end.
///
/// The thread has a name, for who looks at a process with `top -H` or `perf`.
final class LoopThread: Sendable {
    private let finished = ConditionLock<Bool>(value: false)

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// - Parameter name: at most 15 bytes, as Linux has it.
    init(named name: String, _ body: @escaping @Sendable () -> Void) {
        let finished = finished
        let start = Start {
            Self.nameThisThread(name)
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

    /// What `pthread_setname_np` does, which Swift does not see. A thread without its name works as well.
    private static func nameThisThread(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY)
        guard file >= 0 else { return }
        _ = unsafe write(file, name, name.utf8.count)
        close(file)
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
