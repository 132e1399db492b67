/// Numbers as text, without the help of the C library.
package enum Decimals {
    /// A number with so many digits behind the point.
    package static func text(_ value: Double, digits: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = UInt64((value.magnitude * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % UInt64(scale))
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(sign)\(scaled / UInt64(scale)).\(zeros)\(fraction)"
    }

    /// A number with about three digits in all, as tables show it.
    package static func short(_ value: Double) -> String {
        switch value.magnitude {
        case 100...: text(value, digits: 0)
        case 10..<100: text(value, digits: 1)
        case 1..<10: text(value, digits: 2)
        default: text(value, digits: 3)
        }
    }
}
