internal import Glibc

/// The clock that all times of a load are taken from.
enum Clock {
    /// Seconds since some time in the past.
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Keeps the thread until then; not at all when that is past.
    static func sleep(until time: Double) {
        let whole = time.rounded(.down)
        var wanted = timespec(tv_sec: Int(whole), tv_nsec: Int((time - whole) * 1e9))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wanted, nil) == EINTR {}
    }

    /// Keeps the thread for so long.
    static func pause(seconds: Double) { sleep(until: now + seconds) }
}
