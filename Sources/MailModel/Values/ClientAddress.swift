/// An IP address as limits per client count it: 128 bits, IPv4 in its mapped form (RFC 4291, section 2.5.5.2).
public struct ClientAddress: Hashable, Sendable {
    /// The address, the first byte uppermost.
    public let bits: UInt128

    private init(bits: UInt128) { self.bits = bits }

    /// Reads an address as the system writes it, such as `192.0.2.7` or `2001:db8::7`; a zone (`%eth0`) is left out.
    ///
    /// - Returns: nil when the text is no address.
    public init?(_ text: some StringProtocol) {
        let address = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let found = address.contains(":") ? Self.version6(String(address)) : Self.version4(String(address))
        guard let found else { return nil }
        bits = found
    }

    /// Whether it is an IPv4 address in its mapped form.
    public var isVersion4: Bool { bits >> 32 == 0xffff }

    /// Whom a limit per client counts: an IPv4 address, or the network of 64 bits that an IPv6 client has to itself.
    public var client: ClientAddress { isVersion4 ? self : ClientAddress(bits: (bits >> 64) << 64) }

    private static func version4(_ text: String) -> UInt128? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt128 = 0xffff
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let byte = UInt8(part)
            else { return nil }
            bits = bits << 8 | UInt128(byte)
        }
        return bits
    }

    private static func version6(_ text: String) -> UInt128? {
        guard let gap = text.firstRange(of: "::") else {
            guard let groups = groups(text[...], areLast: true), groups.count == 8 else { return nil }
            return joined(groups)
        }
        guard let before = groups(text[..<gap.lowerBound], areLast: false),
            let behind = groups(text[gap.upperBound...], areLast: true)
        else {
            return nil
        }
        let missing = 8 - before.count - behind.count
        guard missing > 0 else { return nil }
        return joined(before + [UInt16](repeating: 0, count: missing) + behind)
    }

    private static func joined(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// Groups of 16 bits; the last two of an address may be written as an IPv4 address.
    private static func groups(_ text: Substring, areLast: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if areLast, index == parts.count - 1, part.contains(".") {
                guard let address = version4(String(part)) else { return nil }
                groups += [UInt16(truncatingIfNeeded: address >> 16), UInt16(truncatingIfNeeded: address)]
            } else {
                guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }
}

/// Addresses that share their first bits, such as `10.0.0.0/8`; a single one without a length.
public struct ClientAddressRange: Hashable, Sendable {
    private let first: UInt128
    /// How many of the 128 bits have to be the same.
    private let prefixBits: Int

    /// Reads an address, or a network such as `192.0.2.0/24`.
    ///
    /// - Returns: nil when the text is neither an address nor a network.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = ClientAddress(parts[0]) else { return nil }
        let outer = parts[0].contains(":") ? 0 : 96
        var prefixBits = 128
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1]),
                length <= 128 - outer
            else { return nil }
            prefixBits = outer + length
        }
        self.prefixBits = prefixBits
        first = address.bits & Self.mask(prefixBits)
    }

    /// Whether the address is in the network.
    public func contains(_ address: ClientAddress) -> Bool { address.bits & Self.mask(prefixBits) == first }

    private static func mask(_ prefixBits: Int) -> UInt128 { prefixBits == 0 ? 0 : .max << UInt128(128 - prefixBits) }
}

/// Counts how often each key is in use at once, and refuses uses beyond a limit.
///
/// The counter has no lock: the gateways, whose connections are on several event loops, keep it behind one.
public struct UseCounter<Key: Hashable & Sendable>: Sendable {
    /// Uses of one key at once; 0: any number, and nothing is counted.
    public let limit: Int
    private var uses: [Key: Int] = [:]

    public init(limit: Int) { self.limit = limit }

    /// Counts a use, unless there are as many as there may be.
    ///
    /// - Returns: whether the use was let in. For a use that was, ``end(_:)`` is called once.
    public mutating func begin(_ key: Key) -> Bool {
        guard limit > 0 else { return true }
        guard uses[key, default: 0] < limit else { return false }
        uses[key, default: 0] += 1
        return true
    }

    /// Takes back a use that ``begin(_:)`` let in.
    public mutating func end(_ key: Key) {
        guard limit > 0, let count = uses[key] else { return }
        uses[key] = count > 1 ? count - 1 : nil
    }

    /// How many uses of the key there are now; 0 where nothing is counted.
    public func count(of key: Key) -> Int { uses[key, default: 0] }

    /// Keys that are in use.
    public var keyCount: Int { uses.count }
}
