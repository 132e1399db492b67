internal import Synchronization

/// How many reads a node has under way for its clients, wherever they are: in a round, waiting for the state, or in
/// the pool that reads. Beyond the limit, reads are refused as busy.
package final class ReadBudget: Sendable {
    private let maximum: Int
    private let count = Atomic<Int>(0)

    /// - Parameter maximum: of reads at once.
    init(maximum: Int) { self.maximum = maximum }

    /// How many reads are under way.
    package var used: Int { count.load(ordering: .relaxed) }

    /// Lets one more read in.
    ///
    /// - Returns: what the read holds as long as anything of it is left; nil where there are too many.
    func take() -> ReadPermit? {
        guard count.wrappingAdd(1, ordering: .relaxed).newValue <= maximum else {
            giveBack()
            return nil
        }
        return ReadPermit(budget: self)
    }

    fileprivate func giveBack() { count.wrappingSubtract(1, ordering: .relaxed) }
}

/// A read's share of a ``ReadBudget``, given back when nobody holds it any more: a closure that waits in a pool counts
/// also when its client has been told that it took too long.
final class ReadPermit: Sendable {
    private let budget: ReadBudget

    fileprivate init(budget: ReadBudget) { self.budget = budget }

    deinit { budget.giveBack() }

    /// Reads while the permit is held: it is not given back before the body has ended.
    func hold<Value>(during body: () throws -> Value) rethrows -> Value { try withExtendedLifetime(self, body) }
}
