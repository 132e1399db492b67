/// What a load did, to be printed for people or for programs.
package struct LoadReport: Sendable {
    /// What one request is, in the plural: `deliveries`.
    package let requests: String
    /// Sessions side by side.
    package let sessions: Int
    /// Requests that were to be sent per second; nil where each session waits for its answer (closed loop).
    package let wantedRate: Double?
    /// How long the load took, without its warm-up.
    package let seconds: Double
    /// Latencies of all requests that ended well.
    package let latencies: LatencyHistogram
    /// Latencies by kind of request; empty where there is one kind only.
    package var kinds: [(name: String, latencies: LatencyHistogram)] = []
    /// Attempts that failed; those after which the connection was lost were made again.
    package var errors = 0
    /// The words of the first error.
    package var firstError: String?
    /// Bytes of mail that were stored; each recipient of a message counts.
    package var storedBytes = 0
    /// Bytes of mail that were fetched.
    package var fetchedBytes = 0
    /// What the processes of the server used; nil where none were named.
    package var server: ServerUsage?
    /// Each second of it.
    package var timeline: [Timeline.Second] = []

    /// What the processes of a server used during a load.
    package struct ServerUsage: Sendable {
        /// Time on processors, of all threads, user and system.
        package let cpuSeconds: Double
        /// Bytes that were written to storage; nil where the system does not tell.
        package let writtenBytes: Int?

        package init(cpuSeconds: Double, writtenBytes: Int?) {
            self.cpuSeconds = cpuSeconds
            self.writtenBytes = writtenBytes
        }
    }

    package init(
        requests: String,
        sessions: Int,
        wantedRate: Double?,
        seconds: Double,
        latencies: LatencyHistogram
    ) {
        self.requests = requests
        self.sessions = sessions
        self.wantedRate = wantedRate
        self.seconds = seconds
        self.latencies = latencies
    }

    /// Requests that ended well.
    package var count: Int { latencies.count }

    /// Requests that ended well, per second.
    package var rate: Double { seconds > 0 ? Double(count) / seconds : 0 }

    /// Seconds of processor time per 1000 requests; nil where it was not measured.
    package var cpuSecondsPer1000: Double? {
        server.flatMap { count > 0 ? $0.cpuSeconds / Double(count) * 1_000 : nil }
    }

    /// Bytes that the server wrote per byte of mail that it got; nil where it was not measured.
    package var writtenPerByte: Double? {
        guard let written = server?.writtenBytes, storedBytes > 0 else { return nil }
        return Double(written) / Double(storedBytes)
    }

    // MARK: For people

    /// Some lines.
    package var text: String {
        let loop = wantedRate.map { "open loop at \(Decimals.short($0))/s" } ?? "closed loop"
        var lines = [
            "\(count) \(requests), \(sessions) sessions, \(loop), \(Decimals.text(seconds, digits: 2)) s",
            "\(Decimals.short(rate)) \(requests)/s, \(errors) errors"
                + (firstError.map { ", the first: \($0)" } ?? ""),
        ]
        if storedBytes > 0 { lines.append("mail stored: \(bytes(storedBytes))") }
        if fetchedBytes > 0 { lines.append("mail fetched: \(bytes(fetchedBytes))") }
        if let server {
            let each = cpuSecondsPer1000.map { ", \(Decimals.text($0, digits: 3)) s per 1000 \(requests)" } ?? ""
            lines.append("server CPU: \(Decimals.text(server.cpuSeconds, digits: 2)) s\(each)")
            if let written = server.writtenBytes {
                let each = writtenPerByte.map { ", \(Decimals.text($0, digits: 2)) per byte of mail" } ?? ""
                lines.append("server wrote: \(megabytes(written)) MB\(each)")
            } else {
                lines.append("server wrote: not known, as /proc/PID/io of its processes cannot be read")
            }
        }
        var table = TextTable(head: ["latency, ms", "count", "mean", "p50", "p90", "p99", "p99.9", "max"])
        for (name, histogram) in [(requests, latencies)] + kinds {
            table.add([name, "\(histogram.count)"] + Self.figures(histogram).map { Decimals.short($0.value) })
        }
        return (lines + [table.text]).joined(separator: "\n")
    }

    private func megabytes(_ bytes: Int) -> String { Decimals.text(Double(bytes) / 1e6, digits: 1) }

    private func bytes(_ count: Int) -> String {
        let rate = seconds > 0 ? Double(count) / 1e6 / seconds : 0
        return "\(megabytes(count)) MB, \(Decimals.short(rate)) MB/s"
    }

    private static func figures(_ histogram: LatencyHistogram) -> [(name: String, value: Double)] {
        [("mean", histogram.meanMilliseconds)]
            + [("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9)].map { name, percent in
                (name, histogram.milliseconds(atPercentile: percent))
            } + [("max", histogram.maximumMilliseconds)]
    }

    // MARK: For programs

    /// The percentiles, mean and maximum in milliseconds, as JSON.
    package static func latencyJSON(_ histogram: LatencyHistogram) -> JSONValue {
        .object([("count", .integer(histogram.count))] + figures(histogram).map { ($0.name, .number($0.value)) })
    }

    /// One object with all there is.
    package var json: JSONValue {
        func optional(_ value: Double?) -> JSONValue { value.map(JSONValue.number) ?? .null }
        var members: [(String, JSONValue)] = [
            ("requests", .string(requests)), ("count", .integer(count)), ("sessions", .integer(sessions)),
            ("wanted_rate", optional(wantedRate)), ("corrected", .bool(wantedRate != nil)),
            ("seconds", .number(seconds)), ("rate", .number(rate)), ("errors", .integer(errors)),
            ("first_error", firstError.map(JSONValue.string) ?? .null), ("stored_bytes", .integer(storedBytes)),
            ("fetched_bytes", .integer(fetchedBytes)), ("latency_ms", Self.latencyJSON(latencies)),
            ("cpu_seconds", optional(server?.cpuSeconds)), ("cpu_seconds_per_1000", optional(cpuSecondsPer1000)),
            ("written_bytes", server?.writtenBytes.map(JSONValue.integer) ?? .null),
            ("written_per_byte", optional(writtenPerByte)),
        ]
        if !kinds.isEmpty {
            members.append(("kinds", .object(kinds.map { ($0.name, Self.latencyJSON($0.latencies)) })))
        }
        members.append(("timeline", .array(timeline.map(Self.secondJSON))))
        return .object(members)
    }

    private static func secondJSON(_ second: Timeline.Second) -> JSONValue {
        .object([
            ("second", .integer(second.start)), ("count", .integer(second.count)), ("errors", .integer(second.errors)),
            ("p50", .number(second.p50)), ("p99", .number(second.p99)), ("max", .number(second.maximum)),
        ])
    }
}
