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

/// A fast 64-bit hash of bytes, eight at a time; part of formats, so its values never change.
struct RowHash {
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    mutating func combine(_ bytes: Span<UInt8>) {
        combine(UInt64(bytes.count))
        var index = 0
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
