/// An invariant that did not hold, and when.
public struct Violation: Error, Sendable, CustomStringConvertible {
    public let invariant: String
    public let details: String
    public let seconds: Double

    public var description: String { "\(invariant) at \(seconds) s: \(details)" }
}
