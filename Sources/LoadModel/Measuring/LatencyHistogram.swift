private import Histogram

/// Latencies in buckets whose width grows with the value, so that memory is fixed and percentiles are off by 0.1 % at
/// most.
///
/// The buckets are those of HdrHistogram (Gil Tene). Each session has a histogram of its own; in the end they are
/// merged.
package struct LatencyHistogram: Sendable {
    /// Longer latencies count as this one: one hour.
    package static let maximumMicroseconds: UInt64 = 3_600_000_000

    private var histogram: Histogram<UInt32>

    /// How exact values are kept.
    package enum Precision: Sendable {
        /// To 0.1 %, in 92 KiB.
        case fine
        /// To 1 %, in 13 KiB.
        case coarse
    }

    /// A histogram without values.
    package init(_ precision: Precision = .fine) {
        histogram = Histogram(
            highestTrackableValue: Self.maximumMicroseconds,
            numberOfSignificantValueDigits: precision == .fine ? .three : .two
        )
    }

    /// Counts one latency.
    ///
    /// - Parameter seconds: of any sign; what is below zero counts as zero.
    package mutating func record(seconds: Double) {
        histogram.record(Self.microseconds(seconds))
    }

    private static func microseconds(_ seconds: Double) -> UInt64 {
        min(UInt64(max(0, min(seconds, 1e9)) * 1e6), maximumMicroseconds)
    }

    /// Adds all values of another histogram of the same precision.
    package mutating func merge(_ other: LatencyHistogram) {
        if other.count > 0 { histogram.add(other.histogram) }
    }

    /// Forgets all values.
    package mutating func reset() { histogram.reset() }

    /// How many latencies were counted.
    package var count: Int { Int(histogram.totalCount) }

    /// - Parameter percent: from 0 to 100.
    /// - Returns: the latency that so many percent are not above, in milliseconds; 0 without values.
    package func milliseconds(atPercentile percent: Double) -> Double {
        count == 0 ? 0 : Double(histogram.valueAtPercentile(percent)) / 1_000
    }

    /// The longest latency, in milliseconds, rounded up to its bucket; 0 without values.
    package var maximumMilliseconds: Double { count == 0 ? 0 : Double(histogram.maxRecorded) / 1_000 }

    /// The mean latency in milliseconds; 0 without values.
    package var meanMilliseconds: Double { count == 0 ? 0 : histogram.mean / 1_000 }
}
