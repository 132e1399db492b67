public import Consensus

/// Where the mail of a slot is, and as of when.
public struct Place: Hashable, Sendable {
    /// The group that serves the slot.
    public let group: GroupID
    /// Of the group, by which its slots may be told to have changed.
    public let epoch: UInt64

    public init(group: GroupID, epoch: UInt64) {
        self.group = group
        self.epoch = epoch
    }
}

/// All that group 0 says, as of one index of its log: an immutable value that is handed to whoever asks.
public struct Directory: Sendable {
    /// What never changes of a cluster.
    public struct Founding: Hashable, Sendable {
        /// The number that keeps this cluster's nodes apart from others'. Drawn at random when it was founded.
        public let clusterID: UInt64
        /// How many groups shared the slots then: groups 1 to this number.
        public let mailGroups: UInt32
        /// The nodes that began it, sorted.
        public let founders: [Founder]

        public init(clusterID: UInt64, mailGroups: UInt32, founders: [Founder]) {
            self.clusterID = clusterID
            self.mailGroups = mailGroups
            self.founders = founders
        }

        /// Slots are shared out evenly, in runs.
        public func group(of slot: Slot) -> GroupID {
            GroupID(1 + UInt32(slot.rawValue) * mailGroups / UInt32(Slot.count))
        }

        /// How many slots a group had then.
        func slots(of group: GroupID) -> UInt32 {
            guard group != .directory, group.rawValue <= mailGroups else { return 0 }
            // The lowest slot whose product with the number of groups reaches a group's share is its first.
            func first(_ number: UInt32) -> UInt32 { (number * UInt32(Slot.count) + mailGroups - 1) / mailGroups }
            return first(group.rawValue) - first(group.rawValue - 1)
        }
    }

    /// What admins have said of where replicas are to be.
    public struct Policy: Hashable, Sendable {
        /// The rules that were set, by pool.
        public let rules: [String: PlacementRule]
        /// When something is moved, and how much at once.
        public let scheduler: SchedulerSettings

        public init(rules: [String: PlacementRule] = [:], scheduler: SchedulerSettings = SchedulerSettings()) {
            self.rules = rules
            self.scheduler = scheduler
        }

        /// The rule of a pool: the default one where none was set.
        public func rule(ofPool pool: String) -> PlacementRule { rules[pool] ?? PlacementRule() }
    }

    /// How many groups there can ever be, those that were removed included.
    public static let maximumGroups = 65_535

    /// How it began.
    public let founding: Founding
    /// The version that all nodes write.
    public let version: ClusterVersion
    /// Up to where group 0 was applied; zero for what is known without having read it.
    public let index: LogIndex
    /// All nodes that were ever admitted or have registered, in the order of their IDs.
    public let nodes: [NodeRecord]
    /// All groups, in the order of their IDs; the first is the directory itself.
    public let groups: [GroupRecord]
    /// What admins have said of where replicas are to be.
    public let policy: Policy
    /// All operations that run and some that have ended, in the order of their IDs.
    public let operations: [OperationRecord]
    /// The highest number that a group was ever given. A group with a lower number that is not in `groups` was removed;
    /// of higher numbers, a later directory may speak.
    public let lastGroup: GroupID
    /// For each slot, the place of its group in `groups`.
    private let places: [UInt32]

    /// A directory.
    ///
    /// - Parameters:
    ///   - nodes: in the order of their IDs.
    ///   - groups: in the order of their IDs, all that there are.
    ///   - moved: the slots that no longer belong to the group that they were founded in.
    ///   - operations: in the order of their IDs.
    ///   - lastGroup: the highest number that a group was ever given; nil for that of the last group there is.
    /// - Returns: nil where a slot belongs to a group that is not there.
    public init?(
        _ founding: Founding,
        version: ClusterVersion,
        index: LogIndex,
        nodes: [NodeRecord],
        groups: [GroupRecord],
        moved: [Slot: GroupID] = [:],
        policy: Policy = Policy(),
        operations: [OperationRecord] = [],
        lastGroup: GroupID? = nil
    ) {
        self.founding = founding
        self.version = version
        self.index = index
        self.nodes = nodes
        self.groups = groups
        self.policy = policy
        self.operations = operations
        self.lastGroup = max(lastGroup ?? GroupID(0), groups.last?.id ?? GroupID(0), GroupID(founding.mailGroups))
        var numbers: [GroupID: UInt32] = [:]
        for (number, group) in groups.enumerated() { numbers[group.id] = UInt32(number) }
        guard (1...UInt32(Self.maximumGroups)).contains(founding.mailGroups) else { return nil }
        // The slots that a group was founded with follow one another: no slot is looked up by itself. A group that is
        // not there any more has the mark `.max`, which has to be gone when the slots that moved have their places.
        var places: [UInt32] = []
        places.reserveCapacity(Slot.count)
        for group in 1...founding.mailGroups {
            let id = GroupID(group)
            places.append(contentsOf: repeatElement(numbers[id] ?? .max, count: Int(founding.slots(of: id))))
        }
        for (slot, group) in moved { places[Int(slot.rawValue)] = numbers[group] ?? .max }
        guard !places.contains(.max) else { return nil }
        self.places = places
    }

    /// A directory as its cluster begins, before anything was read.
    public init(founded founding: Founding) {
        let groups = (0...founding.mailGroups).map { GroupRecord(founded: GroupID($0), by: founding) }
        let nodes: [NodeRecord] = []
        guard let known = Directory(founding, version: .first, index: .zero, nodes: nodes, groups: groups) else {
            preconditionFailure("every slot was founded in a group that is there")
        }
        self = known
    }

    /// Where the mail of a slot is.
    public func place(of slot: Slot) -> Place {
        let group = groups[Int(places[Int(slot.rawValue)])]
        return Place(group: group.id, epoch: group.epoch)
    }

    /// The group with an ID; nil where there is none.
    public func group(_ id: GroupID) -> GroupRecord? { number(of: id).map { groups[$0] } }

    /// Whether a group was there once and is no more. A directory that is older than the group knows nothing of it, and
    /// says no.
    public func hasRemoved(_ id: GroupID) -> Bool { index > .zero && id <= lastGroup && group(id) == nil }

    /// Whether a group is none of those that the cluster began with.
    public func isAdded(_ id: GroupID) -> Bool { id.rawValue > founding.mailGroups }

    /// The node with an ID; nil where there is none.
    public func node(_ id: NodeID) -> NodeRecord? {
        let number = nodes.partitioningPoint { $0.id >= id }
        return number < nodes.count && nodes[number].id == id ? nodes[number] : nil
    }

    /// The labels of a node; none for one that is not known.
    public func labels(of node: NodeID) -> Labels { self.node(node)?.labels ?? [:] }

    /// The operations that run, in the order of their IDs.
    public var runningOperations: [OperationRecord] { operations.filter { $0.state == .running } }

    /// The nodes that belong to the cluster, in order.
    public var members: [NodeID] { nodes.filter(\.state.isMember).map(\.id) }

    /// The version that the cluster can go on to, because every node's program knows it; nil where there is none.
    public var nextVersion: ClusterVersion? {
        let members = nodes.filter(\.state.isMember)
        guard let next = version.next, !members.isEmpty else { return nil }
        return members.allSatisfy { $0.description.versions.contains(next) } ? next : nil
    }

    private func number(of id: GroupID) -> Int? {
        let number = groups.partitioningPoint { $0.id >= id }
        return number < groups.count && groups[number].id == id ? number : nil
    }
}

extension Array {
    /// How many elements are before the first of which something holds; it holds of all behind that one too.
    fileprivate func partitioningPoint(_ holds: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
