internal import Atomics
internal import Consensus
package import MailModel

/// The directory as this node knows it, for every thread of the node. Looking something up takes no lock: each new
/// state of it is another immutable value.
package final class PublishedDirectory: Sendable {
    private final class Issue: AtomicReference, Sendable {
        let directory: Directory
        init(_ directory: Directory) { self.directory = directory }
    }

    private let issue: ManagedAtomic<Issue>

    /// Publishes what is known at the start.
    package init(_ directory: Directory) { issue = ManagedAtomic(Issue(directory)) }

    /// What the node knows now.
    package var now: Directory { issue.load(ordering: .acquiring).directory }

    /// Takes the place of what was known. Only the agent calls this, with what is newer.
    func publish(_ directory: Directory) { issue.store(Issue(directory), ordering: .releasing) }
}
