public import MailModel
internal import NIOConcurrencyHelpers

/// How many sessions one client address has at once. Servers that share it count together.
public final class AddressLimit: Sendable {
    private let uses: NIOLockedValueBox<UseCounter<ClientAddress>>
    private let unlimited: [ClientAddressRange]
    /// Connections of one client address at once; 0: any number.
    public let sessionsPerAddress: Int

    /// The addresses of this machine.
    public static let loopback = ["127.0.0.0/8", "::1"].compactMap { ClientAddressRange($0) }

    /// A limit that counts nothing yet.
    ///
    /// - Parameters:
    ///   - sessionsPerAddress: connections of one IPv4 address, or one IPv6 network of 64 bits, at once; 0: any number.
    ///   - unlimited: addresses behind which there are many clients, such as those of a proxy or of a webmail.
    public init(sessionsPerAddress: Int, unlimited: [ClientAddressRange] = loopback) {
        self.sessionsPerAddress = sessionsPerAddress
        self.unlimited = unlimited
        uses = NIOLockedValueBox(UseCounter(limit: sessionsPerAddress))
    }

    /// Addresses that have sessions now, for tests.
    package var addressCount: Int { uses.withLockedValue { $0.keyCount } }

    fileprivate func isUnlimited(_ address: ClientAddress) -> Bool { unlimited.contains { $0.contains(address) } }

    fileprivate func begin(_ address: ClientAddress) -> Bool { uses.withLockedValue { $0.begin(address) } }

    fileprivate func end(_ address: ClientAddress) { uses.withLockedValue { $0.end(address) } }
}

/// What one connection counts for. However the connection ends, and however often that is said, it is counted out once.
public struct CountedAddress {
    private let limit: AddressLimit
    private var address: ClientAddress?

    public init(_ limit: AddressLimit) { self.limit = limit }

    /// Counts the connection.
    ///
    /// - Parameter text: the address as the system writes it; nil for connections that have none.
    /// - Returns: whether the address may have another connection.
    public mutating func enter(_ text: String?) -> Bool {
        guard address == nil, let found = text.flatMap({ ClientAddress($0) }), !limit.isUnlimited(found) else {
            return true
        }
        guard limit.begin(found.client) else { return false }
        address = found.client
        return true
    }

    /// Counts the connection out, if it was counted.
    public mutating func leave() {
        guard let address else { return }
        self.address = nil
        limit.end(address)
    }
}
