internal import IMAPSession
internal import MailModel
internal import NIOConcurrencyHelpers

/// The rows of mailboxes that sessions of a node share: a SELECT takes over what an earlier one has read, and asks for
/// what changed since alone. Bounded in bytes; the mailbox that was not asked about for the longest time goes first.
public final class SharedRows: Sendable {
    fileprivate struct Place: Hashable {
        let account: AccountReference
        let mailbox: MailboxID
    }

    /// A mailbox in the chain from the one asked about last to the one asked about first.
    fileprivate struct Link {
        let place: Place
        var rows: MailboxRows
        var heldBytes: Int
        var newer: Int?
        var older: Int?
    }

    fileprivate struct State {
        /// Where the link of each mailbox is.
        var positions: [Place: Int] = [:]
        /// Nil for a link that is free.
        var links: [Link?] = []
        var free: [Int] = []
        var newest: Int?
        var oldest: Int?
        var heldBytes = 0
    }

    /// How many bytes the rows hold at most.
    public let maximumBytes: Int
    private let state = NIOLockedValueBox(State())

    /// - Parameter maximumBytes: how many bytes the rows hold at most; a mailbox that is larger is not shared.
    public init(maximumBytes: Int = 64 << 20) { self.maximumBytes = maximumBytes }

    /// The rows that were kept last of a mailbox.
    func find(_ mailbox: MailboxID, of account: AccountReference) -> MailboxRows? {
        state.withLockedValue { state in
            guard let position = state.positions[Place(account: account, mailbox: mailbox)] else { return nil }
            state.unchain(position)
            state.putFirst(position)
            return state.links[position]?.rows
        }
    }

    /// Keeps rows, unless newer ones are there.
    func keep(_ rows: MailboxRows, of account: AccountReference) {
        let place = Place(account: account, mailbox: rows.id)
        let heldBytes = rows.heldBytes
        var gone: [MailboxRows?] = []
        state.withLockedValue { state in
            if let position = state.positions[place] {
                guard let known = state.links[position]?.rows.modSeq, known <= rows.modSeq else { return }
                gone.append(state.remove(position))
            }
            guard heldBytes <= maximumBytes else { return }
            while state.heldBytes + heldBytes > maximumBytes, let oldest = state.oldest {
                gone.append(state.remove(oldest))
            }
            state.add(Link(place: place, rows: rows, heldBytes: heldBytes))
        }
        // Memory is given back here, where nobody waits for the lock.
        gone.removeAll()
    }

    /// How many mailboxes are kept, and how many bytes they hold.
    var held: (mailboxes: Int, bytes: Int) { state.withLockedValue { ($0.positions.count, $0.heldBytes) } }
}

extension SharedRows.State {
    fileprivate mutating func add(_ link: SharedRows.Link) {
        let position = free.popLast() ?? links.count
        if position == links.count { links.append(link) } else { links[position] = link }
        positions[link.place] = position
        heldBytes += link.heldBytes
        putFirst(position)
    }

    fileprivate mutating func remove(_ position: Int) -> MailboxRows? {
        unchain(position)
        guard let link = links[position] else { return nil }
        positions[link.place] = nil
        heldBytes -= link.heldBytes
        links[position] = nil
        free.append(position)
        return link.rows
    }

    fileprivate mutating func putFirst(_ position: Int) {
        links[position]?.newer = nil
        links[position]?.older = newest
        if let newest { links[newest]?.newer = position }
        newest = position
        oldest = oldest ?? position
    }

    fileprivate mutating func unchain(_ position: Int) {
        guard let link = links[position] else { return }
        if let newer = link.newer { links[newer]?.older = link.older } else { newest = link.older }
        if let older = link.older { links[older]?.newer = link.newer } else { oldest = link.newer }
    }
}
