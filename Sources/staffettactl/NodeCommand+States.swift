internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import SwiftProtobuf

private typealias NodesClient = Staffetta_Admin_V1_Nodes.Client<HTTP2ClientTransport.Posix>
private typealias Change =
    @Sendable (NodesClient, Staffetta_Admin_V1_ChangeNodeRequest) async throws -> Staffetta_Admin_V1_ChangeResponse

/// Where a node stands in its life.
extension NodeCommand {
    struct Label: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a node labels that count instead of those that it says itself.",
            discussion: """
                KEY=VALUE sets a label, KEY= takes it away, and KEY- has the node's own word count again.

                Examples:
                  staffettactl node label 4 vendor=gamma firmware=9.1
                  staffettactl node label 4 firmware-
                """
        )
        @Argument(help: "The node's number.") var id: UInt64
        @Argument(help: "What to change.") var labels: [String]
        @OptionGroup var change: ChangeOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            for label in labels where !label.hasSuffix("-") && label.split(separator: "=").isEmpty {
                throw ValidationError("\"\(label)\" is no label: expected KEY=VALUE, KEY= or KEY-")
            }
            for label in labels where !label.hasSuffix("-") && !label.contains("=") {
                throw ValidationError("\"\(label)\" is no label: expected KEY=VALUE, KEY= or KEY-")
            }
        }

        func run() async throws {
            var request = Staffetta_Admin_V1_LabelNodeRequest()
            request.id = id
            request.dryRun = change.dryRun
            for label in labels {
                guard let sign = label.firstIndex(of: "=") else {
                    request.reset.append(String(label.dropLast()))
                    continue
                }
                let (key, value) = (String(label[..<sign]), String(label[label.index(after: sign)...]))
                if value.isEmpty { request.remove.append(key) } else { request.set[key] = value }
            }
            let asked = request
            let response = try await connection.call(.harmless) { client in
                try await NodesClient(wrapping: client).labelNode(asked, options: .admin())
            }
            try await ChangeOutput(connection: connection, isDryRun: change.dryRun).show(
                response,
                preview: response.preview,
                nil,
                done: "node \(id) is labelled "
                    + response.node.labels.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ")
            )
        }
    }

    struct Cordon: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a node take nothing new; it keeps what it has.",
            discussion: "Example: staffettactl node cordon 4"
        )
        @OptionGroup var verb: NodeVerb

        func run() async throws { try await verb.run { try await $0.cordonNode($1, options: .admin()) } }
    }

    struct Uncordon: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a cordoned node take replicas again.",
            discussion: "Example: staffettactl node uncordon 4"
        )
        @OptionGroup var verb: NodeVerb

        func run() async throws { try await verb.run { try await $0.uncordonNode($1, options: .admin()) } }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have others lead in a node's place, so that it can be stopped.",
            discussion: """
                The node keeps its replicas, and takes nothing new. When the operation has succeeded, to stop the node \
                interrupts nobody.

                Example: staffettactl node drain 4 --wait
                """
        )
        @OptionGroup var verb: NodeVerb
        @OptionGroup var operation: OperationOptions

        func run() async throws {
            try await verb.run(as: operation) { try await $0.drainNode($1, options: .admin()) }
        }
    }

    struct Undrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a drained node lead again, or end its draining.",
            discussion: "Example: staffettactl node undrain 4"
        )
        @OptionGroup var verb: NodeVerb

        func run() async throws { try await verb.run { try await $0.undrainNode($1, options: .admin()) } }
    }

    struct Decommission: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a node's replicas be elsewhere, so that it can be thrown away.",
            discussion: """
                When the operation has succeeded, the node belongs to the cluster no more, and ends when it hears so.

                Examples:
                  staffettactl node decommission 4 --dry-run
                  staffettactl node decommission 4 --wait
                """
        )
        @OptionGroup var verb: NodeVerb
        @OptionGroup var operation: OperationOptions

        func run() async throws {
            try await verb.run(as: operation) { try await $0.decommissionNode($1, options: .admin()) }
        }
    }

    struct Recommission: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a node back that was decommissioned, or is being.",
            discussion: "Example: staffettactl node recommission 4"
        )
        @OptionGroup var verb: NodeVerb

        func run() async throws { try await verb.run { try await $0.recommissionNode($1, options: .admin()) } }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a decommissioned node no longer; it never comes back.",
            discussion: "Example: staffettactl node forget 4"
        )
        @OptionGroup var verb: NodeVerb

        func run() async throws { try await verb.run { try await $0.forgetNode($1, options: .admin()) } }
    }
}

/// What every verb takes that changes the state of one node.
struct NodeVerb: ParsableArguments {
    @Argument(help: "The node's number.") var id: UInt64
    @OptionGroup var change: ChangeOptions
    @OptionGroup var connection: ConnectionOptions

    /// Asks for the change, and shows what it comes to.
    ///
    /// - Parameter operation: for a verb that begins something that takes its time.
    fileprivate func run(as operation: OperationOptions? = nil, _ call: @escaping Change) async throws {
        let request = Staffetta_Admin_V1_ChangeNodeRequest.with {
            $0.id = id
            $0.dryRun = change.dryRun
            $0.operationID = operation?.number() ?? 0
        }
        // States are asked for, and operations have numbers: the same again is the same.
        let response = try await connection.call(.harmless) { client in
            try await call(NodesClient(wrapping: client), request)
        }
        try await ChangeOutput(connection: connection, isDryRun: change.dryRun).show(
            response,
            preview: response.preview,
            response.hasOperation ? response.operation : nil,
            done: response.hasNode ? "node \(id) is \(response.node.state)" : "node \(id) is no longer listed",
            waits: operation?.wait ?? false
        )
    }
}
