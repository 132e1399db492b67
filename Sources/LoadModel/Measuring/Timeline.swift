/// What became of a load in each of its seconds.
///
/// A second is summed up as soon as the next one begins, so that a run of hours takes little memory.
package struct Timeline: Sendable {
    /// One second of a load.
    package struct Second: Sendable, Equatable {
        /// When the second began, in seconds from the beginning of the load.
        package let start: Int
        /// Requests that ended in it.
        package var count: Int
        /// Attempts that failed in it.
        package var errors: Int
        /// Latencies in milliseconds; 0 where no request ended.
        package var p50: Double
        /// See ``p50``.
        package var p99: Double
        /// See ``p50``.
        package var maximum: Double

        package init(start: Int, count: Int, errors: Int, p50: Double, p99: Double, maximum: Double) {
            self.start = start
            self.count = count
            self.errors = errors
            self.p50 = p50
            self.p99 = p99
            self.maximum = maximum
        }
    }

    /// Later seconds are left out: a day.
    package static let maximumSeconds = 86_400

    private var done: [Second] = []
    private var current = LatencyHistogram(.coarse)
    private var currentErrors = 0
    private var currentStart = 0

    /// A timeline without seconds.
    package init() {}

    /// Counts a request that ended.
    ///
    /// - Parameter time: when it ended, in seconds from the beginning of the load. What is before the second of
    ///   the last call counts in that.
    package mutating func record(at time: Double, seconds: Double) {
        advance(to: time)
        current.record(seconds: seconds)
    }

    /// Counts an attempt that failed.
    package mutating func recordError(at time: Double) {
        advance(to: time)
        currentErrors += 1
    }

    private mutating func advance(to time: Double) {
        let second = min(Int(max(0, time)), Self.maximumSeconds)
        while currentStart < second {
            done.append(currentSecond)
            current.reset()
            currentErrors = 0
            currentStart += 1
        }
    }

    private var currentSecond: Second {
        Second(
            start: currentStart,
            count: current.count,
            errors: currentErrors,
            p50: current.milliseconds(atPercentile: 50),
            p99: current.milliseconds(atPercentile: 99),
            maximum: current.maximumMilliseconds
        )
    }

    /// All seconds up to the last one in which something happened.
    package var seconds: [Second] {
        let last = currentSecond
        return last.count + last.errors > 0 ? done + [last] : done
    }
}
