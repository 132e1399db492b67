import Testing

@testable import LoadModel

@Suite("Reports") struct ReportTests {
    private var report: LoadReport {
        var histogram = LatencyHistogram()
        for number in 1...100 { histogram.record(seconds: Double(number) / 1_000) }
        var report = LoadReport(
            requests: "deliveries",
            sessions: 4,
            wantedRate: 50,
            seconds: 2,
            latencies: histogram
        )
        report.storedBytes = 1_000_000
        report.server = LoadReport.ServerUsage(cpuSeconds: 0.5, writtenBytes: 2_500_000)
        return report
    }

    @Test("Figures for people")
    func text() {
        let text = report.text
        #expect(
            text.hasPrefix("100 deliveries, 4 sessions, open loop at 50.0/s, 2.00 s\n50.0 deliveries/s, 0 errors\n")
        )
        #expect(text.contains("server CPU: 0.50 s, 5.000 s per 1000 deliveries"))
        #expect(text.contains("server wrote: 2.5 MB, 2.50 per byte of mail"))
        #expect(text.contains("p99.9"))
    }

    @Test("Figures for programs")
    func json() {
        let json = report.json.description
        #expect(json.contains("\"rate\": 50.0000"))
        #expect(json.contains("\"corrected\": true"))
        #expect(json.contains("\"written_per_byte\": 2.5000"))
        #expect(json.contains("\"first_error\": null"))
    }

    @Test("Strings in JSON")
    func strings() {
        #expect(JSONValue.string("a\"\\\n\u{1}è").description == "\"a\\\"\\\\\\n\\u0001è\"")
        #expect(JSONValue.array([.number(.infinity), .bool(false), .integer(-3)]).description == "[null, false, -3]")
        #expect(JSONValue.object([("a", .null)]).description == "{\"a\": null}")
    }

    @Test(arguments: [
        (0.0, 2, "0.00"), (1.005, 1, "1.0"), (-1.25, 2, "-1.25"), (-0.001, 1, "0.0"), (1_234.5, 0, "1235"),
        (0.05, 2, "0.05"),
    ])
    func decimals(_ value: Double, _ digits: Int, _ expected: String) {
        #expect(Decimals.text(value, digits: digits) == expected)
    }

    @Test("Columns are as wide as their widest cell")
    func tables() {
        var table = TextTable(head: ["a", "bcd"])
        table.add(["wide", "1"])
        #expect(table.text == "a     bcd\nwide    1")
    }
}

@Suite("Plots") struct LatencyPlotTests {
    private func second(_ start: Int, count: Int, errors: Int = 0, latency: Double = 5) -> Timeline.Second {
        Timeline.Second(
            start: start,
            count: count,
            errors: errors,
            p50: count > 0 ? latency : 0,
            p99: count > 0 ? latency * 3 : 0,
            maximum: count > 0 ? latency * 9 : 0
        )
    }

    private func count(_ part: String, in text: String) -> Int { text.ranges(of: part).count }

    @Test("Curves are broken where nothing ended, and a lone second is a point")
    func gaps() {
        let seconds = [
            second(0, count: 10), second(1, count: 12), second(2, count: 0, errors: 4), second(3, count: 0),
            second(4, count: 30, latency: 900), second(5, count: 0, errors: 1), second(6, count: 9),
            second(7, count: 9),
        ]
        let svg = LatencyPlot(title: "a < b & c", requests: "deliveries", seconds: seconds).svg
        #expect(count("<polyline", in: svg) == 6)
        #expect(count("<circle", in: svg) == 3)
        #expect(svg.contains("a &lt; b &amp; c"))
        #expect(svg.contains(">latency, ms</text>") && svg.contains(">per second</text>"))
        #expect(svg.contains(">errors</text>") && svg.contains(">p99</text>"))
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(count("fill-opacity=\"0.85\"", in: svg) == 2)
    }

    @Test("A timeline without seconds is a picture as well")
    func empty() {
        let svg = LatencyPlot(title: "", requests: "fetches", seconds: []).svg
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test("Decades enclose all latencies")
    func decades() {
        func decades(_ seconds: [Timeline.Second]) -> ClosedRange<Int> {
            LatencyPlot(title: "", requests: "", seconds: seconds).decades
        }
        #expect(decades([second(0, count: 1, latency: 5)]) == 0...2)
        #expect(decades([second(0, count: 1, latency: 0.02)]) == -2...0)
        #expect(decades([second(0, count: 1, latency: 5), second(1, count: 0)]) == 0...2)
    }

    @Test(
        "Ticks are round and enclose the values",
        arguments: [
            (10.0, 5, [0.0, 2, 4, 6, 8, 10]), (7, 4, [0, 2, 4, 6, 8]), (0, 4, [0, 1]), (101, 4, [0, 50, 100, 150]),
        ]
    )
    func ticks(_ maximum: Double, _ count: Int, _ expected: [Double]) {
        #expect(LatencyPlot.ticks(to: maximum, count: count) == expected)
    }

    @Test(arguments: [(1.0, "1"), (0.01, "0.01"), (1_000, "1000"), (2.5, "2.5"), (0, "0")])
    func labels(_ value: Double, _ expected: String) {
        #expect(LatencyPlot.label(value) == expected)
    }
}
