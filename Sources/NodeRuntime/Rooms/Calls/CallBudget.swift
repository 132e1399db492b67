internal import Synchronization

/// What the calls of this node's clients may hold in memory together, in all its groups and on their way to them. Asked
/// where a call comes in, so that what is refused gets no further.
package final class CallBudget: Sendable {
    private let maximumBytes: Int
    private let used = Atomic<Int>(0)

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    /// What is held now, in bytes.
    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Takes a share, which is to be given back when the call is answered.
    ///
    /// - Returns: whether there was enough.
    func take(_ bytes: Int) -> Bool {
        let before = used.wrappingAdd(bytes, ordering: .relaxed).oldValue
        guard before + bytes <= maximumBytes || before == 0 else {
            giveBack(bytes)
            return false
        }
        return true
    }

    func giveBack(_ bytes: Int) { _ = used.wrappingSubtract(bytes, ordering: .relaxed) }
}
