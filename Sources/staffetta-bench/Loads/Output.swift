internal import LoadModel
internal import SystemPackage

/// Prints results, and writes plots.
enum Output {
    /// Prints a line to the standard error, so that results stay by themselves.
    static func printProgress(_ line: String) {
        // Nobody misses a line that cannot be written.
        _ = try? FileDescriptor.standardError.writeAll("\(line)\n".utf8)
    }

    static func print(_ report: LoadReport, _ use: ServerUseOptions, plot: PlotOptions) throws {
        switch use.format {
        case .table: Swift.print(report.text)
        case .json: Swift.print(report.json)
        }
        guard let path = plot.plot else { return }
        let loop = report.wantedRate.map { "\(Decimals.short($0)) per second were due" } ?? "closed loop"
        let picture = LatencyPlot(
            title: "\(report.requests): \(report.sessions) sessions, \(loop)",
            requests: report.requests,
            seconds: report.timeline
        )
        do {
            let file = try FileDescriptor.open(
                FilePath(path),
                .writeOnly,
                options: [.create, .truncate],
                permissions: [.ownerReadWrite, .groupRead, .otherRead]
            )
            _ = try file.closeAfter { try file.writeAll(picture.svg.utf8) }
        } catch {
            throw BenchError("\(path) cannot be written: \(error)")
        }
    }
}
