/// The announcement of a literal at the end of a line: `{n}`, `{n+}` (RFC 7888), `~{n}` (RFC 3516).
public struct LiteralHeader: Hashable, Sendable {
    /// Announced bytes; numbers beyond `Int` are clamped to `Int.max`, which every limit refuses.
    public var length: Int
    /// Whether the client waits for a continuation before it sends the bytes.
    public var isSynchronising: Bool
    /// Whether the literal may hold NUL (`literal8`).
    public var isBinary: Bool
    /// Bytes of the announcement itself, from `{` or `~` to `}`.
    var headerBytes: Int

    /// More than any announcement of a number that fits `Int`; longer runs of digits are looked through all the same.
    static let maximumBytes = 64

    public init(length: Int, isSynchronising: Bool, isBinary: Bool = false) {
        self.length = length
        self.isSynchronising = isSynchronising
        self.isBinary = isBinary
        headerBytes = 0
    }

    /// Reads the announcement that ends a line, if one does.
    ///
    /// - Parameter line: the line, or at least its last bytes, without the line break.
    init?(endOf line: ArraySlice<UInt8>) {
        guard line.last == UInt8(ascii: "}") else { return nil }
        var position = line.endIndex - 2
        guard position > line.startIndex else { return nil }
        isSynchronising = line[position] != UInt8(ascii: "+")
        if !isSynchronising { position -= 1 }
        let lastDigit = position
        let floor = Swift.max(line.startIndex, line.endIndex - Self.maximumBytes)
        while position >= floor, line[position].isDigit { position -= 1 }
        guard position < lastDigit, position >= floor, line[position] == UInt8(ascii: "{") else { return nil }
        length = line[(position + 1)...lastDigit].reduce(0) { total, digit in
            let (product, overflowed) = total.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            return overflowed || carried ? Int.max : sum
        }
        isBinary = position > line.startIndex && line[position - 1] == UInt8(ascii: "~")
        headerBytes = line.endIndex - position + (isBinary ? 1 : 0)
    }
}

extension LiteralHeader {
    /// Equal when they announce the same, however it is spelt.
    public static func == (one: LiteralHeader, other: LiteralHeader) -> Bool {
        one.length == other.length && one.isSynchronising == other.isSynchronising && one.isBinary == other.isBinary
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(length)
        hasher.combine(isSynchronising)
        hasher.combine(isBinary)
    }
}
