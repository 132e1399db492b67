internal import MailModel
internal import NIOCore

/// The sum of the hashes of a group's rows: each put or delete changes it in constant time, and the order of rows
/// does not matter. The digest finds divergence; it is no defence against forgery.
public struct StateDigest: Hashable, Sendable, CustomStringConvertible {
    /// The sum of the rows' hashes, modulo 2⁶⁴.
    public internal(set) var value: UInt64
    /// The digest of no rows.
    public static let empty = StateDigest(0)

    public init(_ value: UInt64) { self.value = value }

    mutating func add(_ hash: UInt64) { value &+= hash }
    mutating func remove(_ hash: UInt64) { value &-= hash }

    public var description: String { Hexadecimal.digits(of: value) }
}

/// A fast 64-bit hash of bytes; part of formats, so its values never change.
///
/// Long runs go through four lanes that do not wait for one another, 16 bytes each at a time; what is left goes eight
/// bytes at a time.
struct RowHash {
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    private static let stripeBytes = 64

    mutating func combine(_ bytes: Span<UInt8>) {
        combine(UInt64(bytes.count))
        var index = bytes.count >= Self.stripeBytes ? combineStripes(of: bytes) : 0
        let raw = bytes.bytes
        while index + 8 <= bytes.count {
            combine(unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        var tail: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count {
            tail |= UInt64(bytes[index]) << shift
            shift += 8
            index += 1
        }
        combine(tail)
    }

    /// - Returns: how many bytes went in, a multiple of the stripe.
    private mutating func combineStripes(of bytes: Span<UInt8>) -> Int {
        let raw = bytes.bytes
        func word(_ offset: Int) -> UInt64 {
            unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        var (a, b) = (state, state ^ 0x8ebc_6af0_9c88_c6e3)
        var (c, d) = (state ^ 0x5899_65cc_7537_4cc3, state ^ 0x1d8e_4e27_c47d_124f)
        let end = bytes.count - bytes.count % Self.stripeBytes
        var index = 0
        while index < end {
            a = Self.mix(word(index) ^ 0xa076_1d64_78bd_642f, word(index + 8) ^ a)
            b = Self.mix(word(index + 16) ^ 0xe703_7ed1_a0b4_28db, word(index + 24) ^ b)
            c = Self.mix(word(index + 32) ^ 0x8ebc_6af0_9c88_c6e3, word(index + 40) ^ c)
            d = Self.mix(word(index + 48) ^ 0x5899_65cc_7537_4cc3, word(index + 56) ^ d)
            index += Self.stripeBytes
        }
        combine(a)
        combine(b)
        combine(c)
        combine(d)
        return end
    }

    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    mutating func combine(_ word: UInt64) {
        let product = (state ^ word).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
        state = (product.high ^ product.low) &+ word &* 0xe703_7ed1_a0b4_28db
    }

    func finish() -> UInt64 {
        let product = (state ^ 0x8ebc_6af0_9c88_c6e3).multipliedFullWidth(by: 0x5899_65cc_7537_4cc3)
        return product.high ^ product.low
    }

    static func of(_ key: Span<UInt8>, _ value: Span<UInt8>) -> UInt64 {
        var hash = RowHash()
        // The group is left out, so that a row keeps its hash when it moves.
        hash.combine(key.extracting(4...))
        hash.combine(value)
        return hash.finish()
    }
}
