/// Values by key, of which those that were noted lately are kept, in two generations: when the younger one is full, it
/// becomes the older one, which is forgotten. So no step costs more than another, however much is kept.
struct TwoGenerations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var younger: [Key: Value] = [:]
    private var older: [Key: Value] = [:]
    /// Keys that one generation has at most.
    private let limit: Int

    /// - Parameter maximum: how many keys are kept at most; at least half as many are.
    init(maximum: Int) { limit = max(1, maximum / 2) }

    var count: Int { younger.count + older.count }
    var isEmpty: Bool { count == 0 }

    /// The value of a key, which does not count as noted by that.
    subscript(key: Key) -> Value? { younger[key] ?? older[key] }

    /// Notes the value of a key.
    mutating func note(_ value: Value, of key: Key) {
        if younger.count >= limit, younger[key] == nil {
            older = younger
            younger = [:]
        }
        younger[key] = value
    }

    /// The value of a key, which counts as noted now.
    mutating func use(_ key: Key) -> Value? {
        if let value = younger[key] { return value }
        guard let value = older[key] else { return nil }
        note(value, of: key)
        return value
    }

    /// Forgets all keys with such values: looks at all of them.
    mutating func forget(where isGone: (Value) -> Bool) {
        younger = younger.filter { !isGone($0.value) }
        older = older.filter { !isGone($0.value) }
    }
}
