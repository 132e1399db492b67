internal import AdminAPI
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
public import NodeRuntime

/// The admin API on a socket.
public final class AdminServer: Sendable {
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let running: Task<Void, any Error>

    private init(server: GRPCServer<HTTP2ServerTransport.Posix>, running: Task<Void, any Error>) {
        self.server = server
        self.running = running
    }

    /// Listens, and returns once it does.
    ///
    /// - Throws: ``StartupError`` when the address cannot be used.
    public static func start(host: String, port: Int, node: Node, version: String) async throws -> AdminServer {
        let address: GRPCNIOTransportHTTP2Posix.SocketAddress =
            host.contains(":")
            ? .ipv6(host: host, port: port) : .ipv4(host: host == "localhost" ? "127.0.0.1" : host, port: port)
        let server = GRPCServer(
            transport: HTTP2ServerTransport.Posix(address: address, transportSecurity: .plaintext),
            services: [
                ClusterService(node: node, version: version), AccountsService(node: node),
                NodesService(node: node, version: version), GroupsService(node: node), RulesService(node: node),
                SchedulerService(node: node), OperationsService(node: node),
            ]
        )
        let running = Task { try await server.serve() }
        do {
            _ = try await server.listeningAddress
        } catch {
            running.cancel()
            // What ended the server says more than that it ended.
            var reason: any Error = error
            if case .failure(let failure) = await running.result {
                reason = (failure as? RuntimeError)?.cause ?? failure
            }
            throw StartupError(
                "Cannot listen for admins on \(host):\(port): \(plainReason(reason)). "
                    + "Check the setting admin.listen, and whether another process uses the port."
            )
        }
        return AdminServer(server: server, running: running)
    }

    /// Takes no more calls, and returns when those under way have ended.
    public func stop() async {
        server.beginGracefulShutdown()
        try? await running.value
    }
}

extension AdministrationError {
    /// The gRPC status that stands for the error.
    var rpcError: RPCError {
        let code: RPCError.Code =
            switch self.code {
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .invalidArgument: .invalidArgument
            case .failedPrecondition: .failedPrecondition
            case .unavailable: .unavailable
            }
        return RPCError(code: code, message: description)
    }
}

/// Runs a piece of the node and turns its error into a status.
func answering<Value>(_ body: () async throws(AdministrationError) -> Value) async throws(RPCError) -> Value {
    do {
        return try await body()
    } catch {
        throw error.rpcError
    }
}

/// How lists page.
enum Paging {
    static let defaultSize = 100
    static let maximumSize = 1_000

    static func size(_ requested: Int32) throws(RPCError) -> Int {
        guard requested >= 0 else {
            throw RPCError(code: .invalidArgument, message: "page_size is negative")
        }
        return requested == 0 ? defaultSize : min(Int(requested), maximumSize)
    }

    /// The last number shown; nil for the first page.
    static func number(in token: String) throws(RPCError) -> UInt64? {
        guard !token.isEmpty else { return nil }
        guard let number = UInt64(token) else {
            throw RPCError(code: .invalidArgument, message: "the page token is none that a list gave")
        }
        return number
    }

    /// A page of what is sorted by a number; the token is the last number shown.
    static func page<Item>(
        _ items: [Item],
        after token: String,
        size: Int32,
        by key: (Item) -> UInt64
    ) throws(RPCError) -> (items: [Item], next: String) {
        var rest = items[...]
        if let after = try number(in: token) { rest = rest.drop { key($0) <= after } }
        let page = rest.prefix(try Paging.size(size))
        guard page.count < rest.count, let last = page.last else { return (Array(page), "") }
        return (Array(page), String(key(last)))
    }
}
