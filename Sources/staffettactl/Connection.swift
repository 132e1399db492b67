internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Glibc
internal import SwiftProtobuf

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// What every command takes: where to ask, and how to answer.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Admin addresses of nodes, comma-separated; the first that answers is asked. Default: "
                + "$STAFFETTA_ENDPOINT, else 127.0.0.1:14001, 127.0.0.1:14011.",
            valueName: "host:port,..."
        )
    )
    var endpoint: String?

    @Option(help: "table for people, json for programs.")
    var format = OutputFormat.table

    private func endpoints() throws -> [AdminEndpoint] {
        let text =
            endpoint ?? getenv("STAFFETTA_ENDPOINT").map { String(cString: $0) } ?? "127.0.0.1:14001,127.0.0.1:14011"
        return try text.split(separator: ",").map { part in
            guard let endpoint = AdminEndpoint(part) else {
                throw ValidationError("\"\(part)\" is no endpoint: expected host:port, such as 127.0.0.1:14011")
            }
            return endpoint
        }
    }

    /// Makes a call on the first node that answers.
    ///
    /// - Parameters:
    ///   - repetition: whether the next node is asked when nobody knows what became of the call.
    ///   - retries: whether the error means that another node is to be asked.
    /// - Throws: ``AdminEndpoint/firstAnswer(of:repetition:asksNext:_:)``.
    func call<Value: Sendable>(
        _ repetition: Repetition,
        retries: @Sendable (RPCError) -> Bool = { _ in false },
        _ body: @Sendable @escaping (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Value
    ) async throws -> Value {
        try await AdminEndpoint.firstAnswer(of: try endpoints(), repetition: repetition, asksNext: retries) {
            endpoint in
            try await endpoint.withClient(body)
        }
    }

    /// Makes a call that reads on the first endpoint alone: another node's answer is none.
    func callFirst<Value: Sendable>(
        _ body: @Sendable @escaping (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Value
    ) async throws -> Value {
        let first = Array(try endpoints().prefix(1))
        return try await AdminEndpoint.firstAnswer(of: first, repetition: .harmless, asksNext: { _ in false }) {
            endpoint in
            try await endpoint.withClient(body)
        }
    }

    /// Prints a message as JSON, or rows as a table.
    func show(_ message: any SwiftProtobuf.Message, _ table: () -> Table) throws {
        switch format {
        case .json: print(try message.jsonString())
        case .table: table().printOut()
        }
    }
}

/// Columns of text, aligned.
struct Table {
    var header: [String]
    var rows: [[String]] = []

    func printOut() {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        for row in all {
            let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ")
            print(String(line.reversed().drop { $0 == " " }.reversed()))
        }
    }
}

/// Bytes for people: 1.5 MB.
func bytes(_ count: UInt64) -> String {
    var value = Double(count)
    for unit in ["B", "KB", "MB", "GB"] {
        if value < 1_000 || unit == "GB" {
            let rounded = (value * 10).rounded() / 10
            return rounded == rounded.rounded() ? "\(Int(rounded)) \(unit)" : "\(rounded) \(unit)"
        }
        value /= 1_000
    }
    return "\(count) B"
}
