internal import Glibc
internal import NIOConcurrencyHelpers

/// A plain thread that can be waited for.
final class WorkerThread: Sendable {
    private let isDone = ConditionLock(value: false)

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () -> Void) {
        let isDone = isDone
        let start = Start {
            body()
            isDone.lock()
            isDone.unlock(withValue: true)
        }
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            nil,
            { raw in
                if let raw { Unmanaged<Start>.fromOpaque(raw).takeRetainedValue().body() }
                return nil
            },
            Unmanaged.passRetained(start).toOpaque()
        )
        precondition(status == 0, "the system gives no more threads")
        pthread_detach(thread)
    }

    func join() {
        isDone.lock(whenValue: true)
        isDone.unlock()
    }

    /// Runs so many threads side by side until all have ended.
    ///
    /// - Throws: the first error of any of them.
    static func runAll(_ count: Int, _ body: @escaping @Sendable (_ number: Int) throws -> Void) throws {
        let failure = NIOLockedValueBox<(any Error)?>(nil)
        let threads = (0..<count).map { number in
            WorkerThread {
                do { try body(number) } catch { failure.withLockedValue { $0 = $0 ?? error } }
            }
        }
        for thread in threads { thread.join() }
        if let error = failure.withLockedValue({ $0 }) { throw error }
    }
}
