internal import Consensus

/// What is drawn in a run. The same seed gives the same run.
struct SimRandom: RandomNumberGenerator {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    mutating func next() -> UInt64 { generator.next() }

    /// A generator of its own, so that one part of a run drawing more does not change what another draws.
    mutating func fork() -> SimRandom { SimRandom(seed: next()) }

    /// A number in `0..<bound`.
    mutating func below(_ bound: Int) -> Int { generator.below(bound) }

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
