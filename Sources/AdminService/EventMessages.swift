internal import AdminAPI
internal import Consensus
internal import MailModel
internal import NodeRuntime
internal import SwiftProtobuf

extension Staffetta_Admin_V1_Event {
    init(_ numbered: NumberedEvent) {
        let event = numbered.event
        self = .with {
            $0.sequence = numbered.sequence
            $0.milliseconds = numbered.time.rawValue
            $0.kind = event.kind.name
            $0.node = event.node?.rawValue ?? 0
            $0.group = event.group?.rawValue ?? 0
            $0.hasGroup_p = event.group != nil
            $0.operation = event.operation.map(OperationAdministration.name) ?? ""
            $0.nodes = event.nodes.map(\.rawValue)
            $0.text = event.sentence
        }
    }
}

extension DirectoryEvent.Kind {
    /// The name that programs see.
    fileprivate var name: String {
        switch self {
        case .nodeAdmitted: "node-admitted"
        case .nodeStarted: "node-started"
        case .nodeStateChanged: "node-state-changed"
        case .nodeLabelled: "node-labelled"
        case .groupAdded: "group-added"
        case .groupRemoved: "group-removed"
        case .groupPlaced: "group-placed"
        case .votersChanged: "voters-changed"
        case .majorityAllowed: "majority-allowed"
        case .ruleSet: "rule-set"
        case .schedulerSet: "scheduler-set"
        case .operationBegan: "operation-began"
        case .operationEnded: "operation-ended"
        case .versionRaised: "version-raised"
        case .slotsAssigned: "slots-assigned"
        case .tokenAdded: "token-added"
        case .tokenRevoked: "token-revoked"
        }
    }
}

extension DirectoryEvent {
    /// What happened, for people.
    fileprivate var sentence: String {
        let node = "node \(self.node?.rawValue ?? 0)"
        let group = "group \(self.group?.rawValue ?? 0)"
        let state = NodeState(rawValue: UInt8(clamping: number))?.name ?? "\(number)"
        let about = self.node != nil ? " of \(node)" : self.group != nil ? " of \(group)" : ""
        let operation = "operation " + (self.operation.map(OperationAdministration.name) ?? "") + about
        let digits = String(number, radix: 16)
        let token = String(repeating: "0", count: 16 - digits.count) + digits
        return switch kind {
        case .nodeAdmitted: "\(node) was admitted"
        case .nodeStarted: "\(node) has started, for the \(number). time"
        case .nodeStateChanged: "\(node) is \(state)"
        case .nodeLabelled: "\(node) was given labels"
        case .groupAdded: "\(group) of pool \(name) was added on nodes \(nodes.list)"
        case .groupRemoved: "\(group) was removed"
        case .groupPlaced: "the voters of \(group) are to be on nodes \(nodes.list)"
        case .votersChanged: "the voters of \(group) are on nodes \(nodes.list)"
        case .majorityAllowed: "one value of a label may hold a majority of \(group), on nodes \(nodes.list)"
        case .ruleSet: "the rule of pool \(name) was set"
        case .schedulerSet: "the scheduler was set"
        case .operationBegan: "\(operation) has begun"
        case .operationEnded:
            "\(operation) has \(OperationState(rawValue: UInt8(clamping: number))?.name ?? "ended")"
        case .versionRaised: "the cluster is at version \(number)"
        case .slotsAssigned: "\(group) was given \(number) slots"
        case .tokenAdded: "token \(token) lets nodes join"
        case .tokenRevoked: "token \(token) was revoked"
        }
    }
}
