internal import DequeModule

/// Checks of passwords that wait for a thread, in turn by the address that they come from: a client that tries many
/// passwords waits behind its own attempts, and others go on.
struct PasswordQueue<Check: Sendable, Origin: Hashable & Sendable>: Sendable {
    /// What came of a check that was to wait.
    enum Admission: Sendable {
        case waits
        /// There is no room, and nobody who has more of it.
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

    private var origins: [Origin: Deque<Waiting>] = [:]
    /// The addresses that have checks, in the order of their turns.
    private var turns: Deque<Origin> = []
    private var accounts: [String: Int] = [:]
    /// How many checks wait.
    private(set) var count = 0

    init(maximum: Int) { self.maximum = maximum }

    /// Takes a check in.
    mutating func add(_ check: Check, of account: String, from origin: Origin) -> Admission {
        guard maximum > 0 else { return .refused }
        var displaced: Check?
        if accounts[account, default: 0] >= Self.maximumOfAccount {
            // Who guesses a user's password must not keep the user out.
            displaced = displaceLast(for: origin) { $0.account == account }
            guard displaced != nil else { return .refused }
        } else if count >= maximum {
            displaced = displaceLast(for: origin) { _ in true }
            guard displaced != nil else { return .refused }
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

    /// Takes the last of the checks that count away from the address with most of them, where it has more than another
    /// address would have then. Only asked when there is no more room: an address has one entry here, and there are no
    /// more than checks.
    private mutating func displaceLast(for newcomer: Origin, where counts: (Waiting) -> Bool) -> Check? {
        let numbers = turns.map { (origin: $0, count: origins[$0]?.count(where: counts) ?? 0) }
        let own = origins[newcomer]?.count(where: counts) ?? 0
        guard let longest = numbers.max(by: { $0.count < $1.count }), longest.count > own + 1 else { return nil }
        let origin = longest.origin
        guard let place = origins[origin]?.lastIndex(where: counts), let waiting = origins[origin]?.remove(at: place)
        else { return nil }
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
