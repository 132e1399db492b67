/// Says when requests are due, and when a load ends.
///
/// With a rate, the n-th request is due at its time whatever became of those before (open loop); without, as soon as a
/// session asks (closed loop).
package struct Pacer: Sendable {
    /// Requests per second over all sessions; nil: as many as sessions can.
    private let rate: Double?
    /// Requests that count; nil: no limit.
    private let requests: Int?
    /// How long requests count, behind the warm-up; nil: no limit.
    private let seconds: Double?
    /// Requests that are due before this do not count.
    private let warmUpSeconds: Double
    private var issued = 0
    private var counted = 0

    /// The pace of a load that ends after its requests or its seconds, whichever comes first.
    package init(rate: Double?, requests: Int?, seconds: Double?, warmUpSeconds: Double) {
        precondition(requests != nil || seconds != nil, "a load ends")
        self.rate = rate
        self.requests = requests
        self.seconds = seconds
        self.warmUpSeconds = warmUpSeconds
    }

    /// One request.
    package struct Ticket: Sendable, Equatable {
        /// How many were given out before.
        package let number: Int
        /// Seconds from the beginning of the load, its warm-up included.
        package let due: Double
        /// Whether it is not of the warm-up.
        package let isCounted: Bool
    }

    /// The next request.
    ///
    /// - Parameter now: seconds from the beginning of the load.
    /// - Returns: nil when the load is over.
    package mutating func next(now: Double) -> Ticket? {
        let due = rate.map { Double(issued) / $0 } ?? now
        if let seconds, due >= warmUpSeconds + seconds { return nil }
        let isCounted = due >= warmUpSeconds
        if isCounted {
            if let requests, counted >= requests { return nil }
            counted += 1
        }
        defer { issued += 1 }
        return Ticket(number: issued, due: due, isCounted: isCounted)
    }

    /// When requests are given up, in seconds from the beginning; nil: never.
    package var end: Double? { seconds.map { warmUpSeconds + $0 } }
}
