internal import Consensus

/// What happened: a digest of all of it, and the last lines for people.
struct Trace {
    enum Kind: UInt8 {
        case turn, deliver, drop, crash, restart, fault, call, answer, commit, role, note
    }

    struct Line {
        let time: Int64
        let kind: Kind
        let node: Int
        let text: String
    }

    private(set) var digest: UInt64 = 0x5354_4146
    private var ring: [Line] = []
    private var position = 0
    private let capacity: Int
    private let isLive: Bool

    init(capacity: Int, isLive: Bool) {
        self.capacity = capacity
        self.isLive = isLive
    }

    /// Takes an event into the digest.
    mutating func mix(at time: Int64, kind: Kind, node: Int, _ a: UInt64, _ b: UInt64 = 0) {
        var value = digest ^ UInt64(bitPattern: time)
        value = (value &* 0x9E37_79B9_7F4A_7C15) ^ (UInt64(kind.rawValue) << 56) ^ UInt64(truncatingIfNeeded: node) ^ a
        digest = SplitMix64.mix(value &+ b &* 0xD6E8_FEB8_6659_FD93)
    }

    /// Adds a line for people; `text` is only made where the line is kept or printed.
    mutating func add(at time: Int64, _ kind: Kind, node: Int, _ text: @autoclosure () -> String) {
        guard capacity > 0 || isLive else { return }
        let line = Line(time: time, kind: kind, node: node, text: text())
        if isLive { print(Self.format(line)) }
        guard capacity > 0 else { return }
        if ring.count < capacity {
            ring.append(line)
        } else {
            ring[position] = line
            position = (position + 1) % capacity
        }
    }

    var lines: [String] { (ring[position...] + ring[..<position]).map(Self.format) }

    private static func format(_ line: Line) -> String {
        let seconds = line.time / 1_000_000
        let rest = String(line.time % 1_000_000)
        let padded = String(repeating: "0", count: 6 - rest.count) + rest
        let who = line.node >= 0 ? "node \(line.node + 1)" : "      "
        return "\(seconds).\(padded)  \(who)  \(line.kind)  \(line.text)"
    }
}
