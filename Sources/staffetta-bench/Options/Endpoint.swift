internal import ArgumentParser
internal import LoadModel

/// Where a server listens.
struct Endpoint: Sendable, Equatable, CustomStringConvertible, ExpressibleByArgument {
    let host: String
    let port: UInt16

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// - Parameter argument: `host:port`; the host may be an IPv6 address in brackets.
    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: port)
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    var defaultValueDescription: String { description }

    static let lmtp = Endpoint(host: "127.0.0.1", port: 14_015)
    static let imap = Endpoint(host: "127.0.0.1", port: 14_013)
}

/// Several of them, with commas between.
struct EndpointList: Sendable, ExpressibleByArgument {
    let all: [Endpoint]

    init(_ all: [Endpoint]) { self.all = all }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let endpoints = parts.compactMap { Endpoint(argument: String($0)) }
        guard endpoints.count == parts.count else { return nil }
        all = endpoints
    }

    var defaultValueDescription: String { all.map(\.description).joined(separator: ",") }
}

extension SizeDistribution: ExpressibleByArgument {
    /// `mail`, or bytes.
    public init?(argument: String) { self.init(argument) }

    /// As it is written in options.
    public var defaultValueDescription: String {
        switch self {
        case .fixed(let bytes): "\(bytes)"
        case .mail: "mail"
        }
    }
}
