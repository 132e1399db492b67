/// A small deterministic generator (Steele, Lea, Flood 2014: SplitMix64). The same seed gives the same run.
struct SimRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A generator of its own, so that one part of a run drawing more does not change what another draws.
    mutating func fork() -> SimRandom { SimRandom(seed: next()) }

    /// A number in `0..<bound`.
    mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing to draw from")
        return Int(next() % UInt64(bound))
    }

    mutating func between(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True so many times in a million.
    mutating func chance(perMillion: Int) -> Bool { perMillion > 0 && below(1_000_000) < perMillion }

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    /// A time between the bounds; short ones are as likely as long ones on a logarithmic scale.
    mutating func time(_ range: ClosedRange<Int64>) -> Int64 {
        var upper = range.upperBound
        while upper / 2 > range.lowerBound, next() & 1 == 0 { upper /= 2 }
        return between(range.lowerBound...max(range.lowerBound, upper))
    }
}
