/// Draws a timeline: latencies above, on a logarithmic axis, requests and errors per second below.
package struct LatencyPlot {
    private let title: String
    private let requests: String
    private let seconds: [Timeline.Second]

    /// - Parameters:
    ///   - title: stands above the picture.
    ///   - requests: what one request is, in the plural.
    package init(title: String, requests: String, seconds: [Timeline.Second]) {
        self.title = title
        self.requests = requests
        self.seconds = seconds
    }

    private struct Panel {
        let top: Double
        let height: Double
        var bottom: Double { top + height }
    }

    /// A line or a set of points.
    private struct Series: Sendable {
        let name: String
        let color: String
        let value: @Sendable (Timeline.Second) -> Double
    }

    private static let width = 960.0
    private static let height = 560.0
    private static let left = 84.0
    private static let right = 940.0
    private static let upper = Panel(top: 64, height: 270)
    private static let lower = Panel(top: 374, height: 130)
    private static let latencies = [
        Series(name: "max", color: "#c7a252") { $0.maximum },
        Series(name: "p99", color: "#d1495b") { $0.p99 },
        Series(name: "p50", color: "#2066a8") { $0.p50 },
    ]
    private static let rateColor = "#3a7d44"
    private static let errorColor = "#d1495b"

    // MARK: Scales

    /// Where the time axis ends, in seconds; at least one.
    private var lastSecond: Double { Double((seconds.last?.start ?? 0) + 1) }

    private func x(_ second: Double) -> Double {
        Self.left + second / lastSecond * (Self.right - Self.left)
    }

    /// The powers of ten, in milliseconds, that enclose all latencies: exponents.
    var decades: ClosedRange<Int> {
        let values = seconds.filter { $0.count > 0 }
        let lowest = max(values.map(\.p50).min() ?? 1, 0.001)
        let highest = max(values.map(\.maximum).max() ?? 10, lowest)
        let first = Self.exponent(of: lowest)
        let last = Self.exponent(of: highest)
        return first...max(Self.power(last) < highest ? last + 1 : last, first + 1)
    }

    /// The largest power of ten that is not above a value: its exponent.
    static func exponent(of value: Double) -> Int {
        var exponent = 0
        while power(exponent) > value { exponent -= 1 }
        while power(exponent + 1) <= value { exponent += 1 }
        return exponent
    }

    private static func power(_ exponent: Int) -> Double {
        (0..<exponent.magnitude).reduce(1.0) { power, _ in exponent < 0 ? power / 10 : power * 10 }
    }

    /// Ticks at round numbers, from 0 to the first that is not below `maximum`: about `count` of them.
    static func ticks(to maximum: Double, count: Int) -> [Double] {
        guard maximum > 0 else { return [0, 1] }
        let rough = maximum / Double(count)
        let decade = power(exponent(of: rough))
        let step = ([1, 2, 5, 10].first { $0 * decade >= rough } ?? 10) * decade
        var ticks = [0.0]
        while ticks[ticks.count - 1] < maximum * 0.999_999 { ticks.append(Double(ticks.count) * step) }
        return ticks
    }

    /// Position of a latency between the decades, where each decade is as high as the others.
    private func y(milliseconds: Double) -> Double {
        let decades = decades
        let value = max(milliseconds, Self.power(decades.lowerBound))
        let exponent = Self.exponent(of: value)
        let place = Double(exponent) + Self.logarithm(value / Self.power(exponent)) - Double(decades.lowerBound)
        return Self.upper.bottom - place / Double(decades.count - 1) * Self.upper.height
    }

    /// The decimal logarithm of a number from 1 to 10, by halving: the picture needs three digits.
    private static func logarithm(_ value: Double) -> Double {
        var square = value
        var sum = 0.0
        var bit = 0.5
        for _ in 0..<12 {
            square *= square
            if square >= 10 {
                sum += bit
                square /= 10
            }
            bit /= 2
        }
        return sum
    }

    // MARK: Drawing

    /// The picture, complete in itself.
    package var svg: String {
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" "
                + "width=\"\(Int(Self.width))\" height=\"\(Int(Self.height))\" font-family=\"sans-serif\" "
                + "font-size=\"12\" fill=\"#222\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
            text(escaped(title), x: Self.left, y: 26, "font-size=\"16\" font-weight=\"bold\""),
        ]
        parts += timeAxis()
        parts += latencyPanel()
        parts += ratePanel()
        parts.append("</svg>\n")
        return parts.joined(separator: "\n")
    }

    private func timeAxis() -> [String] {
        var parts: [String] = []
        for tick in Self.ticks(to: lastSecond, count: 10) where tick <= lastSecond {
            for panel in [Self.upper, Self.lower] {
                parts.append(line((x(tick), panel.top), (x(tick), panel.bottom), color: "#e4e4e4"))
            }
            parts.append(
                text(Self.label(tick), x: x(tick), y: Self.lower.bottom + 18, "text-anchor=\"middle\"")
            )
        }
        let middle = (Self.left + Self.right) / 2
        parts.append(
            text("time since the beginning, s", x: middle, y: Self.lower.bottom + 40, "text-anchor=\"middle\"")
        )
        return parts
    }

    private func latencyPanel() -> [String] {
        var parts: [String] = []
        for exponent in decades {
            let value = Self.power(exponent)
            let height = y(milliseconds: value)
            parts.append(line((Self.left, height), (Self.right, height), color: "#d4d4d4"))
            parts.append(text(Self.label(value), x: Self.left - 8, y: height + 4, "text-anchor=\"end\""))
        }
        parts += frame(Self.upper, "latency, ms")
        for series in Self.latencies { parts += curve(series) }
        parts += legend(Self.latencies.reversed().map { ($0.name, $0.color) }, above: Self.upper)
        return parts
    }

    /// A line that is broken where no request ended, with a point for each second that stands alone.
    private func curve(_ series: Series) -> [String] {
        var parts: [String] = []
        for run in seconds.split(whereSeparator: { $0.count == 0 }) {
            let points = run.map { second in
                "\(number(x(Double(second.start) + 0.5))),\(number(y(milliseconds: series.value(second))))"
            }
            if points.count > 1 {
                parts.append(
                    "<polyline fill=\"none\" stroke=\"\(series.color)\" stroke-width=\"1.6\" "
                        + "points=\"\(points.joined(separator: " "))\"/>"
                )
            } else if let second = run.first {
                let center = (x(Double(second.start) + 0.5), y(milliseconds: series.value(second)))
                parts.append(
                    "<circle cx=\"\(number(center.0))\" cy=\"\(number(center.1))\" r=\"2\" fill=\"\(series.color)\"/>"
                )
            }
        }
        return parts
    }

    private func ratePanel() -> [String] {
        let highest = Double(seconds.map { max($0.count, $0.errors) }.max() ?? 0)
        let ticks = Self.ticks(to: highest, count: 4)
        let top = ticks[ticks.count - 1]
        func y(_ value: Double) -> Double { Self.lower.bottom - value / top * Self.lower.height }
        var parts: [String] = []
        for tick in ticks {
            parts.append(line((Self.left, y(tick)), (Self.right, y(tick)), color: "#e4e4e4"))
            parts.append(text(Self.label(tick), x: Self.left - 8, y: y(tick) + 4, "text-anchor=\"end\""))
        }
        let width = max(1, (Self.right - Self.left) / lastSecond - 1)
        func bar(_ second: Timeline.Second, _ count: Int, _ style: String) -> String {
            let height = Double(count) / top * Self.lower.height
            return "<rect x=\"\(number(x(Double(second.start))))\" y=\"\(number(Self.lower.bottom - height))\" "
                + "width=\"\(number(width))\" height=\"\(number(height))\" \(style)/>"
        }
        for second in seconds where second.count > 0 {
            parts.append(bar(second, second.count, "fill=\"\(Self.rateColor)\" fill-opacity=\"0.55\""))
        }
        for second in seconds where second.errors > 0 {
            parts.append(bar(second, second.errors, "fill=\"\(Self.errorColor)\" fill-opacity=\"0.85\""))
        }
        parts += frame(Self.lower, "per second")
        parts += legend([(requests, Self.rateColor), ("errors", Self.errorColor)], above: Self.lower)
        return parts
    }

    private func frame(_ panel: Panel, _ label: String) -> [String] {
        let middle = panel.top + panel.height / 2
        return [
            "<rect x=\"\(number(Self.left))\" y=\"\(number(panel.top))\" width=\"\(number(Self.right - Self.left))\" "
                + "height=\"\(number(panel.height))\" fill=\"none\" stroke=\"#888\"/>",
            text(
                label,
                x: 22,
                y: middle,
                "text-anchor=\"middle\" transform=\"rotate(-90 22 \(number(middle)))\""
            ),
        ]
    }

    private func legend(_ entries: [(name: String, color: String)], above panel: Panel) -> [String] {
        var parts: [String] = []
        var place = Self.left
        for (name, color) in entries {
            parts.append(
                "<rect x=\"\(number(place))\" y=\"\(number(panel.top - 17))\" width=\"14\" height=\"8\" "
                    + "fill=\"\(color)\"/>"
            )
            parts.append(text(escaped(name), x: place + 19, y: panel.top - 8, ""))
            place += 44 + Double(name.count) * 7
        }
        return parts
    }

    private func line(_ from: (Double, Double), _ to: (Double, Double), color: String) -> String {
        "<line x1=\"\(number(from.0))\" y1=\"\(number(from.1))\" x2=\"\(number(to.0))\" y2=\"\(number(to.1))\" "
            + "stroke=\"\(color)\"/>"
    }

    private func text(_ text: String, x: Double, y: Double, _ style: String) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" \(style)>\(text)</text>"
    }

    private func number(_ value: Double) -> String { Decimals.text(value, digits: 1) }

    /// A tick without zeros at its end.
    static func label(_ value: Double) -> String {
        var text = Decimals.text(value, digits: 3)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    private func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
