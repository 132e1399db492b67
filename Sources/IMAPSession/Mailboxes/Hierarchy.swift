internal import IMAPSyntax
internal import MailModel

/// The tree of an account's mailboxes, for LIST and LSUB: built record by record, so that others get their turns.
struct Hierarchy {
    struct Marks: OptionSet {
        let rawValue: UInt8
        /// A mailbox that can be selected is below.
        static let hasChildren = Marks(rawValue: 1)
        /// A subscribed name is below.
        static let hasSubscribed = Marks(rawValue: 2)
        /// A name that the selection options ask for is below, and the patterns do not show it.
        static let hasSelectedUnmatched = Marks(rawValue: 4)
    }

    /// Nodes refer to each other by numbers, so that a tree of a hundred thousand levels is freed at once.
    private struct Node {
        let nameStart: Int
        let nameBytes: Int
        let parent: Int
        let hash: Int
        var firstChild = none
        var nextSibling = none
        /// The mailbox's record; none for a level that only mailboxes below it imply.
        var record = none
        var marks: Marks = []
    }

    private static let none = -1
    static let root = 0

    /// The first is the root, which has no name.
    private var nodes = [Node(nameStart: 0, nameBytes: 0, parent: 0, hash: 0)]
    private var names: [UInt8] = []
    private var records: [MailboxRecord] = []
    /// Nodes by the hash of their name and parent, each at its place or behind it; at most half full.
    private var table = [Int](repeating: none, count: 64)

    func record(of node: Int) -> MailboxRecord? {
        nodes[node].record == Self.none ? nil : records[nodes[node].record]
    }

    func marks(of node: Int) -> Marks { nodes[node].marks }

    func level(of node: Int) -> ArraySlice<UInt8> {
        names[nodes[node].nameStart..<(nodes[node].nameStart + nodes[node].nameBytes)]
    }

    mutating func insert(_ record: MailboxRecord) {
        var marks: Marks = []
        if record.selectable { marks.insert(.hasChildren) }
        if record.subscribed { marks.insert(.hasSubscribed) }
        var node = Self.root
        var rest = Array(record.name.text.utf8)[...]
        while true {
            nodes[node].marks.formUnion(marks)
            let level = rest.prefix { $0 != UInt8(ascii: "/") }
            node = child(level, of: node)
            guard level.endIndex < rest.endIndex else { break }
            rest = rest[(level.endIndex + 1)...]
        }
        nodes[node].record = records.count
        records.append(record)
    }

    private mutating func child(_ level: ArraySlice<UInt8>, of parent: Int) -> Int {
        // The hash has the process's own key: a client must not be able to choose names that collide.
        var hasher = Hasher()
        hasher.combine(parent)
        level.withUnsafeBytes { hasher.combine(bytes: $0) }
        let hash = hasher.finalize()
        var place = hash & (table.count - 1)
        while table[place] != Self.none {
            let node = nodes[table[place]]
            if node.hash == hash, node.parent == parent, self.level(of: table[place]) == level { return table[place] }
            place = (place + 1) & (table.count - 1)
        }
        let child = nodes.count
        table[place] = child
        nodes.append(
            Node(nameStart: names.count, nameBytes: level.count, parent: parent, hash: hash)
        )
        names += level
        nodes[child].nextSibling = nodes[parent].firstChild
        nodes[parent].firstChild = child
        if nodes.count * 2 > table.count { growTable() }
        return child
    }

    private mutating func growTable() {
        table = [Int](repeating: Self.none, count: table.count * 2)
        for node in nodes.indices.dropFirst() {
            var place = nodes[node].hash & (table.count - 1)
            while table[place] != Self.none { place = (place + 1) & (table.count - 1) }
            table[place] = node
        }
    }

    /// The levels below one; where asked for, in the order of their names, INBOX first, as people expect it.
    func children(of node: Int, inOrder: Bool) -> [Int] {
        var children: [Int] = []
        var child = nodes[node].firstChild
        while child != Self.none {
            children.append(child)
            child = nodes[child].nextSibling
        }
        guard inOrder, children.count > 1 else { return children }
        names.withUnsafeBytes { bytes in children.sort { isBefore(nodes[$0], nodes[$1], in: bytes) } }
        if node == Self.root, let inbox = children.firstIndex(where: { level(of: $0).isInbox }) {
            children.insert(children.remove(at: inbox), at: 0)
        }
        return children
    }

    /// Names that start with the same bytes, this many, are told in any order: comparing ten thousand names of a
    /// thousand bytes to their ends would take a turn of 40 ms.
    private static let orderedBytes = 64

    private func isBefore(_ first: Node, _ second: Node, in names: UnsafeRawBufferPointer) -> Bool {
        let shared = min(first.nameBytes, second.nameBytes, Self.orderedBytes)
        var offset = 0
        while offset + 8 <= shared {
            let a = UInt64(bigEndian: names.loadUnaligned(fromByteOffset: first.nameStart + offset, as: UInt64.self))
            let b = UInt64(bigEndian: names.loadUnaligned(fromByteOffset: second.nameStart + offset, as: UInt64.self))
            guard a == b else { return a < b }
            offset += 8
        }
        while offset < shared {
            let (a, b) = (names[first.nameStart + offset], names[second.nameStart + offset])
            guard a == b else { return a < b }
            offset += 1
        }
        return min(first.nameBytes, Self.orderedBytes) < min(second.nameBytes, Self.orderedBytes)
    }

    /// Marks the levels above a name that is selected, and that the patterns do not show.
    mutating func markAbove(_ node: Int) {
        var above = node
        while above != Self.root {
            above = nodes[above].parent
            // The levels above a marked level are marked too.
            guard !nodes[above].marks.contains(.hasSelectedUnmatched) else { return }
            nodes[above].marks.insert(.hasSelectedUnmatched)
        }
    }
}

/// Goes through a hierarchy, each level before those below it, and matches the names on the way.
struct HierarchyWalk {
    private struct Frame {
        let node: Int
        let position: MailboxMatcher.Position
        let pathBytes: Int
        let isInInbox: Bool
        /// The children to go to, the next one last; nil until the walk goes below.
        var children: [Int]?
    }

    struct Stop {
        let node: Int
        let isMatch: Bool
    }

    private let matcher: MailboxMatcher
    /// Whether levels are left out below which no pattern can match; others are then told in their order.
    private let leavesOutUnmatched: Bool
    private var frames: [Frame] = []
    /// The name of the last stop.
    private(set) var path: [UInt8] = []
    /// The steps that the walk has taken so far, each of a few nanoseconds.
    private(set) var steps = 0

    init(_ matcher: MailboxMatcher, leavesOutUnmatched: Bool) {
        self.matcher = matcher
        self.leavesOutUnmatched = leavesOutUnmatched
        frames = [Frame(node: Hierarchy.root, position: matcher.start, pathBytes: 0, isInInbox: false)]
    }

    mutating func next(_ hierarchy: Hierarchy) -> Stop? {
        while let frame = frames.last {
            if frame.children == nil {
                let children = hierarchy.children(of: frame.node, inOrder: leavesOutUnmatched)
                steps += SessionLimits.listNodeSteps * children.count
                frames[frames.count - 1].children = children.reversed()
            }
            guard let child = frames[frames.count - 1].children?.popLast() else {
                frames.removeLast()
                continue
            }
            return enter(child, hierarchy.level(of: child), below: frame)
        }
        return nil
    }

    private mutating func enter(_ node: Int, _ level: ArraySlice<UInt8>, below frame: Frame) -> Stop {
        path.removeSubrange(frame.pathBytes...)
        var position = frame.position
        let isAtTop = frame.node == Hierarchy.root
        let isInInbox = isAtTop ? level.isInbox : frame.isInInbox
        if !isAtTop {
            path.append(UInt8(ascii: "/"))
            matcher.advance(&position, over: [UInt8(ascii: "/")], isInInbox: isInInbox)
        }
        path += level
        matcher.advance(&position, over: level, isInInbox: isInInbox)
        steps += SessionLimits.listNodeSteps + (level.count + 2) * matcher.costPerByte
        if position.isAlive || !leavesOutUnmatched {
            frames.append(Frame(node: node, position: position, pathBytes: path.count, isInInbox: isInInbox))
        }
        return Stop(node: node, isMatch: matcher.isMatch(position))
    }
}

extension ArraySlice<UInt8> {
    /// Names of the store have INBOX in capitals.
    fileprivate var isInbox: Bool { elementsEqual("INBOX".utf8) }
}
