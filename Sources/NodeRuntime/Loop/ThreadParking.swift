internal import CSemaphore
internal import Glibc
internal import Synchronization

/// Where one thread sleeps until another one wakes it. To wake a thread that is awake costs no system call, and to wake
/// one that sleeps costs one: a mutex with a condition costs three, and the sleeper finds the mutex taken.
///
/// `@unchecked Sendable`: the system's semaphore is made for many threads, and is not moved.
@safe final class ThreadParking: @unchecked Sendable {
    private enum State {
        static let nothing: UInt8 = 0
        /// The thread sleeps, or is about to.
        static let parked: UInt8 = 1
        /// The next ``wait(milliseconds:)`` returns at once.
        static let woken: UInt8 = 2
    }

    private let state = Atomic<UInt8>(State.nothing)
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        let status = unsafe sem_init(semaphore, 0, 0)
        precondition(status == 0, "a semaphore of one process can always be made")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Wakes the thread that sleeps, or that is to sleep next.
    func wake() {
        guard state.exchange(State.woken, ordering: .acquiringAndReleasing) == State.parked else { return }
        unsafe sem_post(semaphore)
    }

    /// Sleeps until ``wake()`` is called, unless that was done since the last call, for a time at most. One thread at a
    /// time may call it.
    func wait(milliseconds: Double) {
        let (isParked, _) = state.compareExchange(
            expected: State.nothing,
            desired: State.parked,
            ordering: .acquiringAndReleasing
        )
        guard isParked else {
            // An exchange and no store: what every thread put before it called is to be seen from here on.
            _ = state.exchange(State.nothing, ordering: .acquiringAndReleasing)
            return
        }
        let nanoseconds = Int64(max(0, min(milliseconds, 86_400_000)) * 1_000_000)
        let isPosted = unsafe staffetta_semaphore_wait(semaphore, nanoseconds) == 1
        let state = state.exchange(State.nothing, ordering: .acquiringAndReleasing)
        // Who woke the thread in the moment in which the time was over posts, or has posted, what nobody has taken.
        if !isPosted, state == State.woken { while unsafe sem_wait(semaphore) != 0 {} }
    }
}
