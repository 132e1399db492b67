import LoadModel
import Testing

@Suite("Latencies") struct LatencyHistogramTests {
    @Test("Percentiles of 1 to 1000 ms are exact to 0.1 %")
    func percentiles() {
        var histogram = LatencyHistogram()
        for number in 1...1_000 { histogram.record(seconds: Double(number) / 1_000) }
        #expect(histogram.count == 1_000)
        for (percent, expected) in [(50.0, 500.0), (90, 900), (99, 990), (99.9, 999), (100, 1_000)] {
            let found = histogram.milliseconds(atPercentile: percent)
            #expect(abs(found - expected) <= expected * 0.001, "\(percent): \(found)")
        }
        #expect(abs(histogram.meanMilliseconds - 500.5) < 1)
        #expect(abs(histogram.maximumMilliseconds - 1_000) <= 1)
    }

    @Test("Merged histograms are that of all values")
    func merge() {
        var all = LatencyHistogram()
        var halves = [LatencyHistogram(), LatencyHistogram()]
        for number in 1...500 {
            let seconds = Double(number * number) / 1e4
            all.record(seconds: seconds)
            halves[number % 2].record(seconds: seconds)
        }
        halves[0].merge(halves[1])
        halves[0].merge(LatencyHistogram())
        for percent in [0.0, 1, 50, 90, 99, 100] {
            #expect(halves[0].milliseconds(atPercentile: percent) == all.milliseconds(atPercentile: percent))
        }
        #expect(halves[0].count == 500)
    }

    @Test("What is out of bounds counts at the bound")
    func bounds() {
        var histogram = LatencyHistogram()
        #expect(histogram.milliseconds(atPercentile: 99) == 0)
        #expect(histogram.maximumMilliseconds == 0 && histogram.meanMilliseconds == 0)
        histogram.record(seconds: -1)
        histogram.record(seconds: 1e12)
        #expect(histogram.count == 2)
        #expect(abs(histogram.maximumMilliseconds / 3_600_000 - 1) < 0.001)
        histogram.reset()
        #expect(histogram.count == 0)
    }
}

@Suite("Timelines") struct TimelineTests {
    @Test("Each second is summed up, those without a request as well")
    func seconds() {
        var timeline = Timeline()
        timeline.record(at: 0.2, seconds: 0.01)
        timeline.record(at: 0.9, seconds: 0.03)
        timeline.recordError(at: 2.5)
        timeline.record(at: 3.1, seconds: 2)
        // A thread that comes late counts where the others are.
        timeline.record(at: 2.9, seconds: 2)
        let seconds = timeline.seconds
        #expect(seconds.map(\.start) == [0, 1, 2, 3])
        #expect(seconds.map(\.count) == [2, 0, 0, 2])
        #expect(seconds.map(\.errors) == [0, 0, 1, 0])
        #expect(abs(seconds[0].p50 - 10) < 0.2 && abs(seconds[0].maximum - 30) < 0.5)
        #expect(seconds[1].maximum == 0)
        #expect(Timeline().seconds.isEmpty)
    }
}
