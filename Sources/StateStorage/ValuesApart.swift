internal import NIOCore

/// The rows whose values a store keeps apart from all others, in the order in which they came: large values that are
/// written once, read seldom, and not to be copied by compactions.
///
/// It says where in a key a byte stands, and what it is. A store is always opened with the same.
public struct ValuesApart: Hashable, Sendable {
    /// Where the byte stands in keys, from 0.
    public let offset: Int
    /// What it is in the keys of values that are kept apart.
    public let byte: UInt8

    public init(byte: UInt8, at offset: Int) {
        self.byte = byte
        self.offset = offset
    }

    /// Whether the value of a key is kept apart.
    func contains(_ key: Span<UInt8>) -> Bool { key.count > offset && key[offset] == byte }

    /// Whether a range of keys may have one whose value is kept apart.
    func mayMeet(from start: [UInt8], to end: [UInt8]?) -> Bool {
        guard let end, start.count > offset, end.count > offset, start[..<offset] == end[..<offset] else { return true }
        return start[offset] <= byte && byte <= end[offset]
    }

    /// The first key at or behind `key` whose value may be kept apart; nil where none can follow.
    func first(from key: [UInt8]) -> [UInt8]? {
        guard key.count > offset else { return key + [UInt8](repeating: 0, count: offset - key.count) + [byte] }
        if key[offset] == byte { return key }
        var prefix = Array(key[..<offset])
        if key[offset] < byte { return prefix + [byte] }
        while let last = prefix.popLast() {
            guard last < 255 else { continue }
            prefix.append(last + 1)
            return prefix + [UInt8](repeating: 0, count: offset - prefix.count) + [byte]
        }
        return nil
    }
}

/// Where a value that is kept apart lies: the segment that it came in, and how many bytes of that one came before.
struct ValuePosition: Hashable, Comparable, Sendable {
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(segment: UInt32, offset: UInt32 = 0) { rawValue = UInt64(segment) << 32 | UInt64(offset) }

    var segment: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
    var offset: UInt32 { UInt32(truncatingIfNeeded: rawValue) }

    static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// The key of the value, in the column family of such values: big-endian, so in the order of arrival.
    var key: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: rawValue >> UInt64(56 - 8 * $0)) } }

    init(key: Span<UInt8>) throws(FormatProblem) {
        guard key.count == 8 else { throw FormatProblem() }
        var value: UInt64 = 0
        for index in key.indices { value = value << 8 | UInt64(key[index]) }
        rawValue = value
    }
}

/// A row that says where its value lies: version 1, position 64, bytes of the value 32. Integers are big-endian.
struct ValuePlace: Hashable, Sendable {
    let position: ValuePosition
    /// Bytes of the value alone.
    let bytes: UInt32

    private static let version: UInt8 = 1
    private static let length = 13

    init(_ position: ValuePosition, bytes: UInt32) {
        self.position = position
        self.bytes = bytes
    }

    var row: [UInt8] {
        [Self.version] + position.key + (0..<4).map { UInt8(truncatingIfNeeded: bytes >> UInt32(24 - 8 * $0)) }
    }

    init(row: Span<UInt8>) throws(FormatProblem) {
        guard row.count == Self.length, row[0] == Self.version else { throw FormatProblem() }
        position = try ValuePosition(key: row.extracting(1..<9))
        var value: UInt32 = 0
        for index in 9..<13 { value = value << 8 | UInt32(row[index]) }
        bytes = value
    }
}

/// What stands in front of a value that is kept apart: version 1, length of the key 16, the key whose value it is. By
/// it a value is found to be the one that was asked for, and its owner when it is to be moved.
struct ValueHeader: Hashable, Sendable {
    let key: [UInt8]

    private static let version: UInt8 = 1
    private static let length = 3

    /// The bytes that come before those of the value.
    var bytes: [UInt8] {
        precondition(key.count <= UInt16.max, "a key whose value is kept apart has at most 65,535 bytes")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length + key.count)
        bytes.append(Self.version)
        bytes.append(UInt8(truncatingIfNeeded: key.count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: key.count))
        bytes.append(contentsOf: key)
        return bytes
    }

    init(key: [UInt8]) { self.key = key }

    /// Reads the header in front of a value.
    init(record: Span<UInt8>) throws(FormatProblem) {
        guard record.count >= Self.length, record[0] == Self.version else { throw FormatProblem() }
        let count = Int(record[1]) << 8 | Int(record[2])
        guard record.count >= Self.length + count else { throw FormatProblem() }
        key = record.extracting(Self.length..<Self.length + count).copied()
    }

    /// Bytes of a value with its header.
    static func recordBytes(keyBytes: Int, valueBytes: Int) -> Int { length + keyBytes + valueBytes }

    /// Lends the value of `key` in a record.
    ///
    /// - Returns: false where the record is another key's.
    static func value<Failure: Error>(
        of key: Span<UInt8>,
        in record: Span<UInt8>,
        _ body: (Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        let start = length + key.count
        guard record.count >= start, record[0] == version,
            Int(record[1]) << 8 | Int(record[2]) == key.count,
            record.extracting(length..<start).compare(to: key) == 0
        else { return false }
        try body(record.extracting(start...))
        return true
    }
}

/// Bytes that this program has not written so.
struct FormatProblem: Error {}
