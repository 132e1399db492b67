/// Where a server listens.
package struct Endpoint: Sendable, Equatable, CustomStringConvertible {
    /// A name or an address.
    package let host: String
    /// Of TCP.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// - Parameter text: `host:port`; an IPv6 address stands in brackets.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard !host.isEmpty, isBracketed || !host.contains(":") else { return nil }
        self.init(host: String(isBracketed ? host.dropFirst().dropLast() : host), port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Several, with commas between.
    ///
    /// - Returns: nil when one of them is no endpoint, or there is none.
    package static func list(_ text: String) -> [Endpoint]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let endpoints = parts.compactMap { Endpoint($0) }
        return endpoints.count == parts.count ? endpoints : nil
    }
}
