internal import AdminAPI
internal import FoundationEssentials
internal import GRPCCore
internal import Glibc
internal import SwiftProtobuf

/// Several node processes on this machine, for trying things and for tests.
public actor DevCluster {
    private let plan: DevPlan
    private let say: @Sendable (String) -> Void
    private var children: [Int: ChildProcess] = [:]

    public init(_ plan: DevPlan, say: @escaping @Sendable (String) -> Void) {
        self.plan = plan
        self.say = say
    }

    /// Starts all nodes, waits until they agree on leaders, and creates the accounts that are missing.
    ///
    /// - Parameter program: the `staffetta` executable.
    public func start(program: String) async throws {
        let files = FileManager.default
        try files.createDirectory(atPath: plan.directory, withIntermediateDirectories: true)
        try DevCertificate.make(certificateFile: plan.certificate, keyFile: plan.certificateKey)
        for node in 1...plan.nodes {
            if let id = pid(node), ChildProcess.isNode(id, dataDirectory: plan.dataDirectory(node)) {
                throw DevError("node \(node) of \(plan.directory) runs already (process \(id)); stop it first")
            }
        }
        let joined = plan.joining.filter(hasJoined)
        for node in Array(plan.founders) + joined { try startNode(node, program: program, token: nil) }
        try await waitForLeaders(of: Array(plan.founders) + joined)
        // One after the other, so that each gets the number that its ports are made of.
        for node in plan.joining where !joined.contains(node) {
            try startNode(node, program: program, token: try await makeToken())
            try await waitForLeaders(of: [node])
        }
        try await createAccounts()
    }

    private func startNode(_ node: Int, program: String, token: String?) throws {
        let text = plan.scriptText(node, program: program, token: token)
        try Data(text.utf8).write(to: URL(filePath: plan.script(node)))
        // The token is a secret.
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: plan.script(node))
        children[node] = try ChildProcess.start(script: plan.script(node))
    }

    /// Whether a node belongs to the cluster already: it has a number.
    private func hasJoined(_ node: Int) -> Bool {
        let path = plan.dataDirectory(node) + "/identity"
        guard let data = FileManager.default.contents(atPath: path) else { return false }
        return !String(decoding: data, as: UTF8.self).split(separator: "\n").contains("node 0")
    }

    private func makeToken() async throws -> String {
        try await endpoint(1).withClient { client in
            let request = Staffetta_Admin_V1_CreateJoinTokenRequest.with {
                $0.ttlSeconds = 600
                $0.uses = 1
            }
            return try await Staffetta_Admin_V1_Nodes.Client(wrapping: client)
                .createJoinToken(request, options: .admin()).secret
        }
    }

    /// Reports nodes that end, until cancelled.
    public func watch() async {
        while !Task.isCancelled {
            reportDeaths()
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Stops every node, also those that were started again by hand, and waits for their end.
    public func stop() async {
        var running: [(node: Int, id: pid_t)] = []
        for node in 1...plan.nodes {
            guard let id = pid(node), ChildProcess.isNode(id, dataDirectory: plan.dataDirectory(node)) else { continue }
            kill(id, SIGTERM)
            running.append((node, id))
        }
        for _ in 0..<150 where !running.isEmpty {
            for child in children.values { _ = child.ended() }
            running.removeAll { !ChildProcess.isNode($0.id, dataDirectory: plan.dataDirectory($0.node)) }
            try? await Task.sleep(for: .milliseconds(100))
        }
        for (node, id) in running {
            say("node \(node) did not end in 15 s; killing it")
            kill(id, SIGKILL)
        }
        for node in 1...plan.nodes { try? FileManager.default.removeItem(atPath: plan.pidFile(node)) }
    }

    private func pid(_ node: Int) -> pid_t? {
        guard let data = FileManager.default.contents(atPath: plan.pidFile(node)) else { return nil }
        return pid_t(String(decoding: data, as: UTF8.self).trimmingPrefix { $0 == " " }.prefix { $0.isNumber })
    }

    private func reportDeaths() {
        for node in children.keys.sorted() {
            guard let how = children[node]?.ended() else { continue }
            children[node] = nil
            say("node \(node) ended (\(how)); its log is \(plan.logFile(node)), \(plan.script(node)) starts it again")
        }
    }

    private func endpoint(_ node: Int) -> AdminEndpoint {
        AdminEndpoint(host: "127.0.0.1", port: plan.ports(node).admin)
    }

    private func waitForLeaders(of nodes: [Int]) async throws {
        let start = ContinuousClock.now
        var nextProgress = Duration.seconds(1)
        while true {
            if let node = children.keys.sorted().first(where: { children[$0]?.ended() != nil }) {
                await stop()
                throw DevError("node \(node) ended at once; see \(plan.logFile(node))")
            }
            var ready = 0
            for node in nodes where await isReady(node) { ready += 1 }
            if ready == nodes.count { return }
            let elapsed = ContinuousClock.now - start
            if elapsed > nextProgress {
                say("waiting for leaders: \(ready) of \(nodes.count) nodes ready")
                nextProgress += .seconds(1)
            }
            guard elapsed < .seconds(60) else {
                await stop()
                throw DevError("the nodes did not agree on leaders in 60 s; see \(plan.logFile(1)) and the others")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func isReady(_ node: Int) async -> Bool {
        let status = try? await endpoint(node).withClient { client in
            try await Staffetta_Admin_V1_Cluster.Client(wrapping: client)
                .getStatus(Staffetta_Admin_V1_GetStatusRequest(), options: .admin(.seconds(2)))
        }
        guard let status else { return false }
        return status.groups > 0 && status.groupsWithLeader == status.groups
    }

    private func createAccounts() async throws {
        let count = plan.accounts
        guard count > 0 else { return }
        let say = say
        try await endpoint(1).withClient { client in
            let accounts = Staffetta_Admin_V1_Accounts.Client(wrapping: client)
            for number in 1...count {
                let request = Staffetta_Admin_V1_CreateAccountRequest.with {
                    $0.address = "user\(number)@example.org"
                    $0.password = "pass"
                }
                do {
                    _ = try await accounts.createAccount(request, options: .admin())
                } catch let error as RPCError where error.code == .alreadyExists {
                    continue
                }
                if number % 100 == 0 { say("created \(number) of \(count) accounts") }
            }
        }
    }
}
