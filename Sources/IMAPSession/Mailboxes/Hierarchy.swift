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

    struct Node {
        let level: [UInt8]
        let parent: Int
        /// In the order in which they came, until the walk comes by.
        var children: [Int] = []
        /// Nil for a level that is only implied by mailboxes below it.
        var record: MailboxRecord?
        var marks: Marks = []

        var isSelectable: Bool { record?.selectable == true }
        var isSubscribed: Bool { record?.subscribed == true }
        /// Levels without messages show only to hold mailboxes below them.
        var isVisible: Bool { isSelectable || marks.contains(.hasChildren) }
    }

    private struct Key: Hashable {
        let parent: Int
        let level: [UInt8]
    }

    static let root = 0

    /// The first is the root, which has no name.
    private(set) var nodes = [Node(level: [], parent: 0)]
    private var known: [Key: Int] = [:]

    mutating func insert(_ record: MailboxRecord) {
        var marks: Marks = []
        if record.selectable { marks.insert(.hasChildren) }
        if record.subscribed { marks.insert(.hasSubscribed) }
        var node = Self.root
        for level in record.name.text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            nodes[node].marks.formUnion(marks)
            node = child(Array(level), of: node)
        }
        nodes[node].record = record
    }

    private mutating func child(_ level: [UInt8], of parent: Int) -> Int {
        let key = Key(parent: parent, level: level)
        if let child = known[key] { return child }
        let child = nodes.count
        nodes.append(Node(level: level, parent: parent))
        nodes[parent].children.append(child)
        known[key] = child
        return child
    }

    /// Puts the children in the order of their names; INBOX first, as people expect it.
    mutating func sortChildren(of node: Int) {
        guard nodes[node].children.count > 1 else { return }
        var children = nodes[node].children
        nodes[node].children = []
        children.sort { isBefore($0, $1, areAtTop: node == Self.root) }
        nodes[node].children = children
    }

    private func isBefore(_ one: Int, _ other: Int, areAtTop: Bool) -> Bool {
        let (first, second) = (nodes[one].level, nodes[other].level)
        if areAtTop, first.isInbox || second.isInbox { return first.isInbox && !second.isInbox }
        return first.lexicographicallyPrecedes(second)
    }

    /// Marks the levels above a name that is selected, and that the patterns do not show.
    mutating func markAbove(_ node: Int) {
        var above = node
        while above != Self.root {
            above = nodes[above].parent
            // Whoever marked this one has marked those above it as well.
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
        var nextChild = 0
    }

    struct Stop {
        let node: Int
        let isMatch: Bool
    }

    private let matcher: MailboxMatcher
    /// Whether levels are left out below which no pattern can match.
    private let leavesOutUnmatched: Bool
    private var frames: [Frame] = []
    /// The name of the last stop.
    private(set) var path: [UInt8] = []
    /// What the walk has cost so far, in steps of a few nanoseconds.
    private(set) var steps = 0

    init(_ matcher: MailboxMatcher, leavesOutUnmatched: Bool) {
        self.matcher = matcher
        self.leavesOutUnmatched = leavesOutUnmatched
        frames = [Frame(node: Hierarchy.root, position: matcher.start, pathBytes: 0, isInInbox: false)]
    }

    mutating func next(_ hierarchy: inout Hierarchy) -> Stop? {
        while let frame = frames.last {
            if frame.nextChild == 0 {
                hierarchy.sortChildren(of: frame.node)
                steps += SessionLimits.listNodeSteps * hierarchy.nodes[frame.node].children.count
            }
            guard frame.nextChild < hierarchy.nodes[frame.node].children.count else {
                frames.removeLast()
                continue
            }
            frames[frames.count - 1].nextChild += 1
            let child = hierarchy.nodes[frame.node].children[frame.nextChild]
            return enter(child, hierarchy.nodes[child].level, below: frame)
        }
        return nil
    }

    private mutating func enter(_ node: Int, _ level: [UInt8], below frame: Frame) -> Stop {
        path.removeSubrange(frame.pathBytes...)
        var position = frame.position
        let isAtTop = frame.node == Hierarchy.root
        let isInInbox = isAtTop ? level.isInbox : frame.isInInbox
        if !isAtTop {
            path.append(UInt8(ascii: "/"))
            matcher.advance(&position, over: CollectionOfOne(UInt8(ascii: "/")), isInInbox: isInInbox)
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

extension [UInt8] {
    /// Names of the store have INBOX in capitals.
    fileprivate var isInbox: Bool { elementsEqual("INBOX".utf8) }
}
