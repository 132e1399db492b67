package import Consensus
private import Glibc

/// How large the messages of a load are.
package enum SizeDistribution: Sendable, Equatable {
    /// All of one size in bytes.
    case fixed(Int)
    /// As in real mailboxes: lognormal, half of them below 20 KB and one in a hundred above 1 MB, none above 25 MB.
    case mail

    /// The smallest message that has all headers.
    package static let minimumBytes = 200
    /// What many providers take at most.
    package static let maximumBytes = 25 << 20
    private static let medianBytes = 20_480.0
    private static let ninetyNinthBytes = 1_048_576.0
    /// The 99th percentile of the standard normal distribution.
    private static let ninetyNinthDeviations = 2.326_347_874

    /// - Parameter text: `mail`, or a number of bytes.
    package init?(_ text: String) {
        if text == "mail" {
            self = .mail
        } else if let bytes = Int(text), (Self.minimumBytes...Self.maximumBytes).contains(bytes) {
            self = .fixed(bytes)
        } else {
            return nil
        }
    }

    /// Draws a size in bytes.
    package func draw(_ random: inout SplitMix64) -> Int {
        switch self {
        case .fixed(let bytes): return bytes
        case .mail:
            let sigma = log(Self.ninetyNinthBytes / Self.medianBytes) / Self.ninetyNinthDeviations
            let bytes = Self.medianBytes * exp(sigma * Self.normal(&random))
            return min(max(Int(bytes), Self.minimumBytes), Self.maximumBytes)
        }
    }

    /// A number of the standard normal distribution (Box and Muller 1958).
    private static func normal(_ random: inout SplitMix64) -> Double {
        let first = Double(random.next() >> 11) + 1
        let second = Double(random.next() >> 11)
        let unit = 1.0 / Double(1 << 53)
        return sqrt(-2 * log(first * unit)) * cos(2 * Double.pi * second * unit)
    }
}
