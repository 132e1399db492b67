internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import Glibc
internal import LoadModel
internal import SwiftProtobuf

/// Measures a cluster that `staffetta dev` runs: what its groups cost while nothing is asked of them, and how soon all
/// have leaders again after one node was killed.
struct Idle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what groups without work cost, and how soon they elect again.",
        discussion: """
            Needs a running `staffetta dev`, say with --data /tmp/mail --set cluster.groups=5000.

            Example: staffetta-bench idle --data /tmp/mail --seconds 30 --kill 3
            """
    )

    @Option(help: ArgumentHelp("The directory of `staffetta dev`.", valueName: "dir"))
    var data = "./staffetta-dev"

    @Option(help: "How many nodes it runs.")
    var nodes = 3

    @Option(help: "Its port base.")
    var portBase = 14_000

    @Option(help: "How long to measure.")
    var seconds = 30

    @Option(help: "The node to kill (SIGKILL) afterwards; 0: none.")
    var kill = 0

    /// How long groups may take to have leaders.
    static let patienceSeconds = 120.0
    static let pollMilliseconds = 100

    func validate() throws {
        guard (1...7).contains(nodes), (0...nodes).contains(kill), seconds > 0 else {
            throw ValidationError("nodes are from 1 to 7, --kill is one of them or 0, seconds are positive")
        }
    }

    func run() async throws {
        let pids = try (1...nodes).map { try pid($0) }
        do {
            _ = try await status(of: 1)
        } catch {
            throw BenchError(
                "node 1 does not answer at 127.0.0.1:\(port(1)): \(error). Is --port-base that of `staffetta dev`?"
            )
        }
        let took = try await seconds { try await Self.hasLeaders($0, except: 0) }
        let first = try await status(of: 1)
        print("\(first.groups) groups, all with leaders (after \(decimals(took)) s)")
        // What follows from elections has to settle: state is flushed at least twice a minute.
        try await measure("idle", pids)
        guard kill > 0 else { return }
        try await killAndWait(pids)
        try await measure(
            "idle, without node \(kill)",
            pids.enumerated().filter { $0.offset + 1 != kill }.map(\.element)
        )
    }

    private func measure(_ what: String, _ pids: [Int]) async throws {
        let tree = ProcessTree(pids)
        let before = tree.use.cpuSeconds
        let begun = Clock.now
        try await Task.sleep(for: .seconds(seconds))
        let share = (tree.use.cpuSeconds - before) / (Clock.now - begun)
        print("\(what): \(decimals(share * 100)) % of one core, \(pids.count) processes, over \(seconds) s")
    }

    private func killAndWait(_ pids: [Int]) async throws {
        let led = try await status(of: kill).groupsLedHere
        guard Glibc.kill(pid_t(pids[kill - 1]), SIGKILL) == 0 else { throw BenchError("cannot kill node \(kill)") }
        let gone = UInt64(kill)
        let took = try await seconds { try await Self.hasLeaders($0, except: gone) }
        print("node \(kill) killed, which led \(led) groups: all have leaders again after \(decimals(took)) s")
    }

    /// How long it takes until all nodes that are up say so.
    private func seconds(
        until isDone: @escaping @Sendable (Staffetta_Admin_V1_GetStatusResponse) async throws -> Bool
    ) async throws -> Double {
        let begun = Clock.now
        var waiting = (1...nodes).filter { access("/proc/\((try? pid($0)) ?? 0)", F_OK) == 0 }
        while let node = waiting.first {
            if let status = try? await status(of: node), try await isDone(status) {
                waiting.removeFirst()
                continue
            }
            guard Clock.now - begun < Self.patienceSeconds else {
                throw BenchError(
                    "node \(node) does not know a leader of every group, or does not answer at 127.0.0.1:\(port(node)) "
                        + "(admin, by --port-base)"
                )
            }
            try await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
            waiting.removeAll { access("/proc/\((try? pid($0)) ?? 0)", F_OK) != 0 }
        }
        return Clock.now - begun
    }

    private static func hasLeaders(_ status: Staffetta_Admin_V1_GetStatusResponse, except gone: UInt64) async throws
        -> Bool
    {
        status.groups > 0 && status.groupsWithLeader == status.groups
            && status.nodes.allSatisfy { $0.id != gone || $0.groupsLed == 0 }
    }

    private func status(of node: Int) async throws -> Staffetta_Admin_V1_GetStatusResponse {
        try await AdminEndpoint(host: "127.0.0.1", port: port(node)).withClient { client in
            try await Staffetta_Admin_V1_Cluster.Client(wrapping: client)
                .getStatus(Staffetta_Admin_V1_GetStatusRequest(), options: .admin())
        }
    }

    /// Its admin port.
    private func port(_ node: Int) -> Int { portBase + 10 * node + 1 }

    private func pid(_ node: Int) throws -> Int {
        let path = "\(data)/node-\(node).pid"
        guard let pid = ProcessTree.read(path)?.split(separator: "\n").first.flatMap({ Int($0) }) else {
            throw BenchError("\(path) names no process: is `staffetta dev` running?")
        }
        return pid
    }

    private func decimals(_ value: Double) -> String { Decimals.text(value, digits: 2) }
}
