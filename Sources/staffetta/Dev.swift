internal import ArgumentParser
internal import DevCluster
internal import Glibc
internal import NodeRuntime
internal import SystemPackage
internal import UnixSignals

struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a cluster of node processes on this machine, with demo accounts.",
        discussion: """
            The first three nodes begin the cluster, further ones join it.

            Node i listens on port-base + 10 i + 0 (peers), 1 (admin), 3 (IMAP), 4 (IMAPS), 5 (LMTP).
            Accounts are user1@example.org, ... with the password "pass". DIR holds for each node its data (node-1/),
            process ID (node-1.pid), log (node-1.log), and the script that starts it again (node-1.sh).

            Example: staffetta dev --nodes 3 --data /tmp/mail --port-base 14000 --accounts 10
            """
    )

    @Option(help: "How many nodes.")
    var nodes = 3

    @Option(help: ArgumentHelp("Where everything is kept; used again when it is there.", valueName: "dir"))
    var data = "./staffetta-dev"

    @Option(help: "Ports start ten above this.")
    var portBase = 14_000

    @Option(help: "How many demo accounts.")
    var accounts = 10

    @Option(name: .customLong("set"), help: ArgumentHelp("A setting for every node.", valueName: "key=value"))
    var settings: [String] = []

    /// With more, a machine is busy with the nodes themselves.
    private static let usualNodes = 9

    func validate() throws {
        guard (1...50).contains(nodes) else { throw ValidationError("--nodes is from 1 to 50") }
        guard (1_024...65_000).contains(portBase) else { throw ValidationError("--port-base is from 1024 to 65000") }
        guard accounts >= 0 else { throw ValidationError("--accounts is not negative") }
        for setting in settings {
            let key = setting.split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
            guard setting.contains("="), SettingSpec.all.contains(where: { $0.key == key }) else {
                throw ValidationError("--set \(setting): expected a setting of `staffetta serve`, as key=value")
            }
        }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        if nodes > Self.usualNodes {
            say("\(nodes) nodes are many for one machine: each is a process with a log and a state of its own")
        }
        let plan = DevPlan(
            nodes: nodes,
            directory: data.hasPrefix("/") ? data : currentDirectory() + "/" + data,
            portBase: portBase,
            accounts: accounts,
            settings: settings.map { setting in
                let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            }
        )
        let cluster = DevCluster(plan) { say($0) }
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let starting = Task {
            try await cluster.start(program: executablePath())
            show(plan)
            await cluster.watch()
        }
        let stopping = Task {
            for await signal in signals {
                say("\(signal): stopping the nodes")
                starting.cancel()
                await cluster.stop()
                say("stopped")
                Glibc.exit(0)
            }
        }
        try await starting.value
        await stopping.value
    }

    private func show(_ plan: DevPlan) {
        say("The cluster is ready. Accounts: user1@example.org to user\(accounts)@example.org, password \"pass\".")
        for node in 1...nodes {
            let ports = plan.ports(node)
            say(
                "  node \(node)  IMAP 127.0.0.1:\(ports.imap)  IMAPS 127.0.0.1:\(ports.imaps)  "
                    + "LMTP 127.0.0.1:\(ports.lmtp)  admin 127.0.0.1:\(ports.admin)  log \(plan.logFile(node))"
            )
        }
        say("Ctrl-C stops all of them.")
    }

    private func currentDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    private func executablePath() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { throw ValidationError("cannot find this program's own path under /proc") }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A line on standard output, at once, also where that is no terminal.
private func say(_ line: String) { _ = try? FileDescriptor.standardOutput.writeAll((line + "\n").utf8) }
