internal import MailModel

/// How far a set of voters is from what a rule wants of its spread, packed so that one comparison decides. Smaller is
/// better. From the most important part on:
/// - voters too many on labels on probation,
/// - for each key in order, voters of the largest value above what is less than a majority,
/// - for each key in order, voters of the largest value.
///
/// Each part only grows when a voter is added, and so does the whole.
struct SpreadMeasure: Hashable, Comparable, Sendable {
    private static let partBits = 4
    private static let keys = PlacementRule.maximumSpreadKeys

    private(set) var packed: UInt64 = 0

    /// Nothing is wrong, and there are no voters.
    static let perfect = SpreadMeasure()

    static func < (a: SpreadMeasure, b: SpreadMeasure) -> Bool { a.packed < b.packed }

    /// Voters too many on labels on probation.
    var canaryExcess: Int {
        get { part(2 * Self.keys) }
        set { setPart(2 * Self.keys, to: newValue) }
    }

    /// By how many voters the largest value of a key exceeds what is less than a majority.
    func excess(ofKey key: Int) -> Int { part(2 * Self.keys - 1 - key) }

    /// The voters of the largest value of a key.
    func largest(ofKey key: Int) -> Int { part(Self.keys - 1 - key) }

    /// - Parameters:
    ///   - largest: The voters of the key's largest value.
    ///   - voters: How many voters a majority is counted of.
    mutating func setLargest(_ largest: Int, ofKey key: Int, voters: Int) {
        setPart(2 * Self.keys - 1 - key, to: max(0, largest - (Majority.least(of: voters) - 1)))
        setPart(Self.keys - 1 - key, to: largest)
    }

    /// Whether a change breaks no majority that held before, but for what the goal of the change has to break as well.
    func keepsWhatHeld(before: SpreadMeasure, goal: SpreadMeasure) -> Bool {
        guard canaryExcess <= before.canaryExcess else { return false }
        return (0..<Self.keys).allSatisfy { key in
            excess(ofKey: key) <= max(before.excess(ofKey: key), goal.excess(ofKey: key))
        }
    }

    private func part(_ number: Int) -> Int { Int(packed >> UInt64(number * Self.partBits)) & 15 }

    private mutating func setPart(_ number: Int, to value: Int) {
        let shift = UInt64(number * Self.partBits)
        packed = packed & ~(15 << shift) | UInt64(min(value, 15)) << shift
    }
}
