/// A small deterministic generator (Steele, Lea, Flood 2014): the same seed gives the same numbers on every machine.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// A generator at the beginning of its sequence.
    ///
    /// - Parameter seed: any number. Seeds that are alike give numbers that are not.
    @inlinable
    public init(seed: UInt64) {
        state = seed
    }

    /// The next number; all of its 64 bits are random.
    @inlinable
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The finalizer: every bit of `value` reaches every bit of the result, and no two values have the same.
    @inlinable
    public static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number in `0..<bound`. A bound that is not above 0 traps.
    @inlinable
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing to draw from")
        return Int(next() % UInt64(bound))
    }
}
