internal import Consensus
public import MailModel
public import Placement

/// The cluster as one node sees it when it is asked: what the directory says, and what all nodes say of themselves.
public struct ClusterLook: Sendable {
    /// No older than the question.
    public let directory: Directory
    /// Nodes that have not answered in time are gone.
    public let survey: ClusterSurvey
    /// Both together, as placement sees them.
    public let view: ClusterView
    /// When it was.
    public let now: Timestamp

    init(_ directory: Directory, _ survey: ClusterSurvey, now: Timestamp) {
        self.directory = directory
        self.survey = survey
        self.now = now
        view = ClusterView(directory, survey)
    }

    /// A node that is listed.
    ///
    /// - Throws: ``AdministrationError``, `.notFound`, with the nodes that there are.
    func node(_ id: NodeID) throws(AdministrationError) -> NodeRecord {
        guard let record = directory.node(id), record.state != .forgotten else {
            let known = directory.nodes.filter { $0.state != .forgotten }.map { "\($0.id.rawValue)" }
            throw AdministrationError(
                .notFound,
                "there is no node \(id.rawValue); there are \(Self.list(known)). `staffettactl node list` shows all"
            )
        }
        return record
    }

    /// A group that is there.
    ///
    /// - Throws: ``AdministrationError``, `.notFound`, with the groups that there are.
    func group(_ id: GroupID) throws(AdministrationError) -> GroupRecord {
        guard let record = directory.group(id) else {
            let last = directory.groups.last?.id.rawValue ?? 0
            throw AdministrationError(
                .notFound,
                "there is no group \(id.rawValue) among the \(directory.groups.count) groups, of which the last is "
                    + "group \(last). `staffettactl group list` shows all"
            )
        }
        return record
    }

    /// How many groups a node leads.
    func led(by node: NodeID) -> Int { view.groups.count { $0.leader == node } }

    /// Checks that some node has a label.
    ///
    /// - Throws: ``AdministrationError``, `.notFound`, with the values or the keys that there are.
    func checkLabel(_ label: Label) throws(AdministrationError) {
        guard !view.nodes.contains(where: { $0.labels.contains(label) }) else { return }
        let values = Set(view.nodes.compactMap { $0.labels[label.key] }).sorted()
        guard values.isEmpty else {
            throw AdministrationError(
                .notFound,
                "no node has \(label); the values of \(label.key) are \(Self.list(values))"
            )
        }
        let keys = Set(view.nodes.flatMap { $0.labels.sorted.map(\.key) }).sorted()
        throw AdministrationError(
            .notFound,
            "no node has a label \(label.key); the keys are \(keys.isEmpty ? "none" : Self.list(keys))"
        )
    }

    private static func list(_ names: [String]) -> String {
        guard !names.isEmpty else { return "none" }
        let shown = names.prefix(20).joined(separator: ", ")
        return names.count > 20 ? shown + ", ..." : shown
    }
}

/// What would come of a change.
public struct ChangePreview: Sendable {
    /// What would be moved, in this order.
    public let moves: [Move]
    /// What would not be survived meanwhile, a sentence each.
    public let during: [String]
    /// What would not be survived at the end, a sentence each.
    public let after: [String]
    /// What would stay wrong, and why.
    public let obstacles: [String]

    /// - Parameters:
    ///   - during: the cluster meanwhile.
    ///   - foresight: what comes of it.
    init(during: ClusterView, _ foresight: Foresight) {
        moves = foresight.moves
        self.during = Survivability.sentences(in: during)
        after = Survivability.sentences(in: foresight.outcome)
        obstacles = foresight.unrepaired.map(\.explanation)
    }

    /// Bytes that the moves copy.
    public var bytesToCopy: Int { moves.reduce(0) { $0 + $1.bytesToCopy } }
}

/// What an admin has changed, or would change.
public struct AdminChange: Sendable {
    /// What comes of it.
    public let preview: ChangePreview
    /// The operation that was begun; nil where nothing takes its time, and for a dry run.
    public let operation: OperationReport?
}

/// An operation, and how far it is.
public struct OperationReport: Sendable {
    /// What the directory says of it.
    public let record: OperationRecord
    /// What is left to do.
    public let left: OperationWork
    /// How long that takes, by how it went so far; nil where that is not known.
    public let secondsLeft: Int?
    /// Why it waits, a sentence each.
    public let waits: [String]

    init(_ record: OperationRecord, in look: ClusterLook) {
        self.init(record, in: look, plan: Planner.plan(look.view))
    }

    /// - Parameter plan: what the planner would do next.
    init(_ record: OperationRecord, in look: ClusterLook, plan: Plan) {
        let progress = OperationProgress(of: record, look.directory, look.view, plan: plan)
        self.record = record
        left = progress.left
        waits = progress.waits
        let elapsed = Double(look.now.rawValue - record.began.rawValue) / 1_000
        secondsLeft = Self.estimate(of: progress.left, of: record.work, after: elapsed)
    }

    private static func estimate(of left: OperationWork, of work: OperationWork, after seconds: Double) -> Int? {
        if left.replicas == 0 { return 0 }
        guard work.replicas > left.replicas, seconds > 0 else { return nil }
        let byReplicas = Double(left.replicas) / Double(work.replicas - left.replicas)
        guard work.bytes > left.bytes else { return Int((seconds * byReplicas).rounded(.up)) }
        return Int((seconds * max(byReplicas, Double(left.bytes) / Double(work.bytes - left.bytes))).rounded(.up))
    }
}
