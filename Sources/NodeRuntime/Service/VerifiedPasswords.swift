internal import Authentication

/// The tags of passwords that were right lately. Clients log in every few minutes, some at every click: to hash the
/// same password again each time would cost more than all else that a login costs.
///
/// Two generations: what is used goes to the younger one, and when that is half as old as a tag may get, or holds half
/// of what may be kept, the older one is forgotten. So a look costs the same however many are kept.
struct VerifiedPasswords {
    private let maximum: Int
    private let lifeMilliseconds: Int64
    private var young: Set<PasswordTag> = []
    private var old: Set<PasswordTag> = []
    private var youngSinceMilliseconds: Int64 = 0

    /// - Parameters:
    ///   - lifeMilliseconds: how long a tag is kept that is not used; at least half as long. 0: nothing is kept.
    ///   - maximum: how many tags are kept; at least half as many.
    init(lifeMilliseconds: Int64, maximum: Int = 100_000) {
        self.lifeMilliseconds = lifeMilliseconds
        self.maximum = maximum
    }

    /// How many tags are kept.
    var count: Int { young.count + old.count }

    /// Whether the password of a tag was right lately; notes that it was used.
    mutating func use(_ tag: PasswordTag, _ nowMilliseconds: Int64) -> Bool {
        forgetOld(nowMilliseconds)
        if young.contains(tag) { return true }
        guard old.remove(tag) != nil else { return false }
        keep(tag, nowMilliseconds)
        return true
    }

    /// Notes a password that is right.
    mutating func keep(_ tag: PasswordTag, _ nowMilliseconds: Int64) {
        guard lifeMilliseconds > 0, maximum > 1 else { return }
        forgetOld(nowMilliseconds)
        if young.count >= maximum / 2 { beginGeneration(nowMilliseconds) }
        young.insert(tag)
    }

    private mutating func forgetOld(_ nowMilliseconds: Int64) {
        let age = nowMilliseconds - youngSinceMilliseconds
        guard age >= lifeMilliseconds / 2 else { return }
        beginGeneration(nowMilliseconds)
        // Nothing of the one before was used for the whole of a life.
        if age >= lifeMilliseconds { old = [] }
    }

    private mutating func beginGeneration(_ nowMilliseconds: Int64) {
        old = young
        young = []
        youngSinceMilliseconds = nowMilliseconds
    }
}
