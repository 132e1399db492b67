internal import Consensus

/// Whose turn it is: all groups that a node leads, one after the other, evenly over the interval.
struct VerificationSchedule {
    /// The first one after a start comes no later.
    static let firstMilliseconds: Int64 = 600_000
    /// A node that leads nothing looks again after this.
    static let idleMilliseconds: Int64 = 10_000

    var nextMilliseconds: Int64?
    /// The group that was verified last.
    var last = GroupID.directory

    /// - Parameter led: the groups that the node leads, in order.
    func group(after led: GroupSet) -> GroupID? { led.first { $0 > last } ?? led.first { _ in true } }
}
