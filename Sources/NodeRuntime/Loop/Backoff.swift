internal import Consensus

/// How long the next attempt waits: twice as long each time, and each caller another time, so that those who were
/// refused together do not come back together.
struct Backoff {
    let firstMilliseconds: Int64
    let maximumMilliseconds: Int64

    /// - Parameters:
    ///   - attempts: how many were made, at least 1.
    ///   - seed: another one for each caller and attempt.
    func milliseconds(after attempts: UInt32, seed: UInt64) -> Int64 {
        let doubled = firstMilliseconds << Int64(min(max(attempts, 1) - 1, 16))
        let delay = min(doubled, maximumMilliseconds)
        // Three quarters to five quarters of the delay.
        let spread = max(1, delay / 2)
        return delay - spread / 2 + Int64(SplitMix64.mix(seed) % UInt64(spread))
    }
}
