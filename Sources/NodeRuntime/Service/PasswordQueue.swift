internal import DequeModule

/// Checks of passwords that wait for a thread, in turn by the address that they come from: a client that tries many
/// passwords waits behind its own attempts, and others go on.
struct PasswordQueue<Check: Sendable>: Sendable {
    /// What came of a check that was to wait.
    enum Admission: Sendable {
        case waits
        /// There is no room, or too many checks of the account wait.
        case refused
        /// The check waits; another one, the last of the address with the most, has lost its place to it.
        case displaced(Check)
    }

    private struct Waiting: Sendable {
        let account: String
        let check: Check
    }

    private let maximum: Int
    /// Checks of one account that wait at once, from whatever addresses.
    static var maximumOfAccount: Int { 8 }

    private var origins: [String: Deque<Waiting>] = [:]
    /// The addresses that have checks, in the order of their turns.
    private var turns: Deque<String> = []
    private var accounts: [String: Int] = [:]
    /// How many checks wait.
    private(set) var count = 0

    init(maximum: Int) { self.maximum = maximum }

    /// Takes a check in.
    mutating func add(_ check: Check, of account: String, from origin: String) -> Admission {
        guard maximum > 0, accounts[account, default: 0] < Self.maximumOfAccount else { return .refused }
        var displaced: Check?
        if count >= maximum {
            // Who has fewest waits next; so there is room for one of whoever has fewer than another.
            let own = origins[origin]?.count ?? 0
            guard let longest = longestOrigin(), longest.count > own + 1 else { return .refused }
            displaced = takeLast(of: longest.origin)
        }
        if origins[origin] == nil { turns.append(origin) }
        origins[origin, default: []].append(Waiting(account: account, check: check))
        accounts[account, default: 0] += 1
        count += 1
        return displaced.map { .displaced($0) } ?? .waits
    }

    /// The next check, which waits no more; nil when none does.
    mutating func next() -> Check? {
        guard let origin = turns.popFirst(), let waiting = origins[origin]?.popFirst() else { return nil }
        if origins[origin]?.isEmpty == true { origins[origin] = nil } else { turns.append(origin) }
        forget(waiting)
        return waiting.check
    }

    /// Only asked when there is no more room: an address has one entry here, and there are no more than checks.
    private func longestOrigin() -> (origin: String, count: Int)? {
        turns.lazy.map { (origin: $0, count: self.origins[$0]?.count ?? 0) }.max { $0.count < $1.count }
    }

    private mutating func takeLast(of origin: String) -> Check? {
        guard let waiting = origins[origin]?.popLast() else { return nil }
        if origins[origin]?.isEmpty == true {
            origins[origin] = nil
            turns.removeAll { $0 == origin }
        }
        forget(waiting)
        return waiting.check
    }

    private mutating func forget(_ waiting: Waiting) {
        count -= 1
        let left = (accounts[waiting.account] ?? 0) - 1
        accounts[waiting.account] = left > 0 ? left : nil
    }
}
