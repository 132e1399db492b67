/// Where everything of a development cluster is. Ports and files are part of the front door: tests and people know
/// them.
public struct DevPlan: Sendable {
    /// Where one node listens: a row of ports, from its base up.
    public struct Ports: Sendable {
        /// The lowest port of the node.
        public let base: Int
        /// For other nodes.
        public var peer: Int { base }
        /// For gRPC.
        public var admin: Int { base + 1 }
        /// Kept free for HTTP.
        public var http: Int { base + 2 }
        /// For IMAP, with STARTTLS.
        public var imap: Int { base + 3 }
        /// For IMAP with implicit TLS.
        public var imaps: Int { base + 4 }
        /// For LMTP.
        public var lmtp: Int { base + 5 }
    }

    /// How many nodes there are, numbered from 1.
    public let nodes: Int
    /// Absolute.
    public let directory: String
    /// The base of all ports: node i has those from `portBase` + 10·i up.
    public let portBase: Int
    /// How many demo accounts there are.
    public let accounts: Int
    /// Further settings for every node, by key.
    public let settings: [(key: String, value: String)]

    public init(nodes: Int, directory: String, portBase: Int, accounts: Int, settings: [(key: String, value: String)]) {
        self.nodes = nodes
        self.directory = directory
        self.portBase = portBase
        self.accounts = accounts
        self.settings = settings
    }

    /// Node `node` (from 1) listens from base + 10 · node on.
    public func ports(_ node: Int) -> Ports { Ports(base: portBase + 10 * node) }
    /// The data directory of a node.
    public func dataDirectory(_ node: Int) -> String { "\(directory)/node-\(node)" }
    /// The file with a node's process ID.
    public func pidFile(_ node: Int) -> String { "\(directory)/node-\(node).pid" }
    /// The file that takes a node's output.
    public func logFile(_ node: Int) -> String { "\(directory)/node-\(node).log" }
    /// The script that starts a node again.
    public func script(_ node: Int) -> String { "\(directory)/node-\(node).sh" }
    /// The self-signed certificate of all nodes, in PEM.
    public var certificate: String { "\(directory)/tls.pem" }
    /// Its private key, in PEM.
    public var certificateKey: String { "\(directory)/tls-key.pem" }

    static let datacenters = ["milano", "roma", "torino", "napoli", "bologna", "firenze", "venezia"]
    static let vendors = ["alfa", "beta", "gamma", "delta", "epsilon", "zeta", "eta"]

    func labels(_ node: Int) -> String {
        let index = (node - 1) % Self.datacenters.count
        return "datacenter=\(Self.datacenters[index]),vendor=\(Self.vendors[index])"
    }

    var peers: String {
        (1...nodes).map { "\($0)=127.0.0.1:\(ports($0).peer)" }.joined(separator: ",")
    }

    /// The script that starts a node, the first time and again: it becomes the node, so its process ID is the node's.
    func scriptText(_ node: Int, program: String) -> String {
        let ports = ports(node)
        var flags = [
            ("--node-id", "\(node)"), ("--cluster-name", "dev"), ("--cluster-peers", peers),
            ("--data-directory", dataDirectory(node)), ("--node-labels", labels(node)),
            ("--peer-listen", "127.0.0.1:\(ports.peer)"), ("--admin-listen", "127.0.0.1:\(ports.admin)"),
            ("--imap-listen", "127.0.0.1:\(ports.imap)"), ("--imaps-listen", "127.0.0.1:\(ports.imaps)"),
            ("--lmtp-listen", "127.0.0.1:\(ports.lmtp)"), ("--imap-plaintext-login", "true"),
            ("--tls-certificate", certificate), ("--tls-key", certificateKey),
        ]
        for (key, value) in settings {
            flags.append(("--" + key.split(separator: ".").joined(separator: "-"), value))
        }
        let words = flags.map { "    \($0.0) \(quoted($0.1))" }.joined(separator: " \\\n")
        return """
            #!/bin/sh
            # Starts node \(node) of this development cluster; its output goes to its log.
            echo $$ > \(quoted(pidFile(node)))
            exec \(quoted(program)) serve \\
            \(words) \\
                >> \(quoted(logFile(node))) 2>&1

            """
    }

    private func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
