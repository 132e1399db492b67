/// Makes texts comparable that differ in case and accents only, after i;unicode-casemap (RFC 5051): letters are
/// decomposed, and of the pieces the marks are left out. Bytes are UTF-8 and may be split anywhere.
struct CaseFolding {
    /// The bytes of a character that is not complete, and how many it takes.
    private var value: UInt32 = 0
    private var missing = 0
    /// The least value that may take that many bytes.
    private var minimum: UInt32 = 0

    static func fold(_ text: some Collection<UInt8>) -> [UInt8] {
        var folding = CaseFolding()
        var result: [UInt8] = []
        folding.fold(text, into: &result)
        folding.finish(into: &result)
        return result
    }

    /// Whether the text so far ends with a whole character.
    var isAtCharacter: Bool { missing == 0 }

    mutating func fold(_ text: some Collection<UInt8>, into result: inout [UInt8]) {
        let isDone: Void? = text.withContiguousStorageIfAvailable {
            foldBytes(UnsafeRawBufferPointer($0), into: &result)
        }
        if isDone == nil { fold(Array(text), into: &result) }
    }

    private mutating func foldBytes(_ bytes: UnsafeRawBufferPointer, into result: inout [UInt8]) {
        var index = 0
        while index < bytes.count {
            if missing == 0, bytes[index] < 0x80 {
                let end = ByteScan.firstBeyondASCII(in: bytes, from: index) ?? bytes.count
                let start = result.count
                result.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[index..<end]))
                result.withUnsafeMutableBytes { for place in start..<$0.count { $0[place] = ASCII.lower($0[place]) } }
                index = end
            } else {
                take(bytes[index], into: &result)
                index += 1
            }
        }
    }

    /// A character that was broken off counts as one that cannot be read.
    mutating func finish(into result: inout [UInt8]) {
        if missing > 0 { Charset.append("\u{FFFD}", to: &result) }
        missing = 0
    }

    private mutating func take(_ byte: UInt8, into result: inout [UInt8]) {
        if missing > 0 {
            guard byte & 0xc0 == 0x80 else {
                finish(into: &result)
                fold(CollectionOfOne(byte), into: &result)
                return
            }
            value = value << 6 | UInt32(byte & 0x3f)
            missing -= 1
            guard missing == 0 else { return }
            if value >= minimum, let scalar = Unicode.Scalar(value) {
                Self.append(scalar, to: &result)
            } else {
                Charset.append("\u{FFFD}", to: &result)
            }
            return
        }
        switch byte {
        case 0xc2...0xdf: start(UInt32(byte & 0x1f), missing: 1, minimum: 0x80)
        case 0xe0...0xef: start(UInt32(byte & 0x0f), missing: 2, minimum: 0x800)
        case 0xf0...0xf4: start(UInt32(byte & 0x07), missing: 3, minimum: 0x1_0000)
        default: Charset.append("\u{FFFD}", to: &result)
        }
    }

    private mutating func start(_ value: UInt32, missing: Int, minimum: UInt32) {
        self.value = value
        self.missing = missing
        self.minimum = minimum
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout [UInt8]) {
        switch scalar.value {
        case 0x00c0...0x024f: Charset.append(from00C0[Int(scalar.value - 0x00c0)], to: &result)
        case 0x0370...0x052f: Charset.append(from0370[Int(scalar.value - 0x0370)], to: &result)
        case 0x1e00...0x1fff: Charset.append(from1E00[Int(scalar.value - 0x1e00)], to: &result)
        // Marks that stand on the letter before.
        case 0x0300...0x036f, 0x1ab0...0x1aff, 0x1dc0...0x1dff, 0x20d0...0x20ff, 0xfe20...0xfe2f: return
        // Letters of full width (RFC 5051 decomposes for compatibility).
        case 0xff01...0xff5e: result.append(ASCII.lower(UInt8(scalar.value - 0xff01 + 0x21)))
        case 0x00a0, 0x202f: result.append(ASCII.space)
        // Neither case nor accents: most of the scripts of Asia.
        case 0x0590...0x109f, 0x1100...0x139f, 0x2e80...0xa63f, 0xac00...0xd7ff: Charset.append(scalar, to: &result)
        default:
            let mapped = scalar.properties.lowercaseMapping.unicodeScalars
            for scalar in mapped { Charset.append(scalar, to: &result) }
        }
    }

    /// - Parameter text: What each character of a range becomes; a full stop for one that stays.
    static func table(_ text: String, first: UInt32) -> [Unicode.Scalar] {
        text.unicodeScalars.enumerated().map { index, scalar in
            scalar == "." ? Unicode.Scalar(first + UInt32(index)) ?? "\u{FFFD}" : scalar
        }
    }
}
