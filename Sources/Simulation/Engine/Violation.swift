/// An invariant that did not hold, and when.
public struct Violation: Error, Sendable, CustomStringConvertible {
    /// The name of the invariant that does not hold.
    public let invariant: String
    /// What was seen instead.
    public let details: String
    /// When it was seen, in simulated seconds.
    public let seconds: Double

    public var description: String { "\(invariant) at \(seconds) s: \(details)" }
}
