internal import ArgumentParser
internal import LoadModel

extension Endpoint: ExpressibleByArgument {
    /// `host:port`.
    public init?(argument: String) { self.init(argument) }

    /// As it is written in options.
    public var defaultValueDescription: String { description }

    /// Where the first node of `staffetta dev` takes mail.
    static let lmtp = Endpoint(host: "127.0.0.1", port: 14_015)
    /// Where users log in at the first node of `staffetta dev`.
    static let imap = Endpoint(host: "127.0.0.1", port: 14_013)
}

/// Several of them, with commas between.
struct EndpointList: Sendable, ExpressibleByArgument {
    let all: [Endpoint]

    init(_ all: [Endpoint]) { self.all = all }

    init?(argument: String) {
        guard let all = Endpoint.list(argument) else { return nil }
        self.all = all
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
