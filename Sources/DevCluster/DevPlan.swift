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

    static let datacenters = ["milano", "roma", "torino"]
    static let vendors = ["alfa", "beta", "gamma"]

    /// The nodes that begin the cluster; the others join it.
    public var founders: ClosedRange<Int> { 1...min(nodes, 3) }
    /// The nodes that join, in order.
    public var joining: Range<Int> { founders.upperBound + 1..<nodes + 1 }

    /// Of nine nodes, three are in each of three data centers, and of each of three vendors: each pair comes once.
    func labels(_ node: Int) -> String {
        let datacenter = (node - 1) % 3
        let vendor = nodes > 3 ? ((node - 1) / 3 + node - 1) % 3 : datacenter
        return "datacenter=\(Self.datacenters[datacenter]),vendor=\(Self.vendors[vendor])"
    }

    private var peers: String {
        founders.map { "\($0)=127.0.0.1:\(ports($0).peer)" }.joined(separator: ",")
    }

    private func membershipFlags(_ node: Int, token: String?) -> [(String, String)] {
        if founders.contains(node) {
            return [("--node-id", "\(node)"), ("--cluster-name", "dev"), ("--cluster-peers", peers)]
        }
        guard let token else { return [] }
        let places = founders.map { "127.0.0.1:\(ports($0).peer)" }.joined(separator: ",")
        return [("--join", places), ("--join-token", token)]
    }

    /// The script that starts a node, the first time and again: it becomes the node, so its process ID is the node's.
    ///
    /// - Parameter token: what lets the node in; nil for a founder, and for a node that has joined.
    func scriptText(_ node: Int, program: String, token: String?) -> String {
        let ports = ports(node)
        var flags = membershipFlags(node, token: token)
        flags += [
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
