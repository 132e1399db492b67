/// An account's name: `local@domain`, in lower case, so that one person is one account however it is typed.
///
/// Lower case is that of ``LowerCase``, since addresses are keys and decide slots.
///
/// Limits are those of RFC 5321, section 4.5.3.1: 64 bytes before the `@`, 255 behind it.
public struct AccountAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address in lower case.
    public let text: String

    /// Nil when the text is not one `local@domain` of printable characters within the limits.
    public init?(_ text: some StringProtocol) {
        let lowered = LowerCase.of(text)
        let bytes = lowered.utf8
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return nil }
        let local = bytes[..<at].count
        let domain = bytes[bytes.index(after: at)...].count
        guard (1...64).contains(local), (1...255).contains(domain) else { return nil }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }) else {
            return nil
        }
        self.text = lowered
    }

    /// The account that a path of RFC 5321 (section 4.1.2) means: quotes and backslashes that only protect other
    /// characters are no part of the name. Nil as above, and when the quotes do not enclose the whole local part.
    public init?(path: String) {
        guard let text = Self.unquoted(path) else { return nil }
        self.init(text)
    }

    private static func unquoted(_ path: String) -> String? {
        guard path.unicodeScalars.first == "\"" else { return path }
        var local = String.UnicodeScalarView()
        var isEscaped = false
        var rest = path.unicodeScalars.dropFirst()
        while let scalar = rest.popFirst() {
            if isEscaped {
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
                continue
            } else if scalar == "\"" {
                return rest.first == "@" ? String(local) + String(rest) : nil
            }
            local.append(scalar)
        }
        return nil
    }

    public var description: String { text }

    // By bytes, as keys are: for Swift, two spellings of an accented letter are one string.
    public static func == (a: AccountAddress, b: AccountAddress) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }
    public func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: text) }
    public static func < (a: AccountAddress, b: AccountAddress) -> Bool {
        a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
    }

    /// The bucket of this address: part of the on-disk and on-wire contract, so it never changes.
    public var slot: Slot { Slot(hashing: text.utf8) }
}

/// One of 16,384 hash buckets of account addresses; the directory maps slots to groups.
public struct Slot: RawRepresentable, Hashable, Sendable {
    /// How many slots there are: part of formats, so it never changes.
    public static let count = 16_384
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// FNV-1a over the bytes, folded to 14 bits.
    public init(hashing bytes: some Sequence<UInt8>) {
        var hash = StableHash()
        hash.combine(bytes)
        let value = hash.finish()
        rawValue = UInt16(truncatingIfNeeded: (value ^ (value >> 32)) & UInt64(Slot.count - 1))
    }
}

/// A hash whose value is part of formats: FNV-1a, 64 bits, with a final mix (from SplitMix64) so that every bit of the
/// input reaches every bit of the value. Not for secrets.
public struct StableHash: Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    /// Takes in bytes, in their order.
    public mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    /// Takes in the 8 bytes of a number, the least significant first.
    public mutating func combine(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            state = (state ^ ((value >> UInt64(shift)) & 0xff)) &* 0x100_0000_01b3
        }
    }

    /// The hash of all that was taken in.
    public func finish() -> UInt64 {
        // SplitMix64's finalizer, written out: this module has no other one below it, and where accounts are found
        // hangs on these numbers, whatever happens to a generator that is used for other things.
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
