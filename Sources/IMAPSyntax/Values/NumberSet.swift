/// Numbers to be written as a sequence set: UIDs of COPYUID, VANISHED, ESEARCH ALL.
///
/// Numbers keep the order in which they are appended; one that directly follows the one before lengthens its range.
public struct NumberSet: Hashable, Sendable {
    /// The numbers as ranges, in the order in which they were appended.
    public private(set) var ranges: [ClosedRange<UInt32>] = []

    public init() {}

    /// The numbers in their order.
    public init(_ numbers: some Sequence<UInt32>) {
        for number in numbers { append(number) }
    }

    /// Whether there is no number.
    public var isEmpty: Bool { ranges.isEmpty }

    /// How many numbers the set holds.
    public var count: Int { ranges.reduce(0) { $0 + $1.count } }

    /// Appends a number behind all others.
    public mutating func append(_ number: UInt32) {
        append(number...number)
    }

    /// Appends a range behind all others.
    public mutating func append(_ range: ClosedRange<UInt32>) {
        if let last = ranges.last, last.upperBound < UInt32.max, last.upperBound + 1 == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound...range.upperBound
        } else {
            ranges.append(range)
        }
    }
}

extension NumberSet: CustomStringConvertible {
    public var description: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound):\($0.upperBound)" }.joined(separator: ",")
    }
}
