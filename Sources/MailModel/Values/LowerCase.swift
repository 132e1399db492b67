/// Lower case for what is stored under a text, or compared by it: addresses and keywords.
///
/// Replicas must agree on it for ever, whatever Swift and ICU they run with. So it has a table of its own, of one
/// Unicode version: the simple mappings, code point by code point, which know no locale and no neighbours (a capital
/// sigma at the end of a word is mapped as anywhere else, a dotted capital I becomes a plain small one).
public enum LowerCase {
    /// The text with each code point in lower case.
    public static func of(_ text: some StringProtocol) -> String {
        let bytes = text.utf8
        if !bytes.contains(where: { $0 >= 0x80 }) {
            guard bytes.contains(where: isASCIICapital) else { return String(text) }
            return String(decoding: bytes.map(ascii), as: UTF8.self)
        }
        var lowered = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { lowered.append(ofScalar(scalar)) }
        return String(lowered)
    }

    /// The code point in lower case.
    public static func ofScalar(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        let value = scalar.value
        if value < 0x80 { return Unicode.Scalar(ascii(UInt8(value))) }
        // The last run that begins at the code point or before.
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].first <= value { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return scalar }
        let run = runs[low - 1]
        guard value <= run.last, (value - run.first) % run.step == 0 else { return scalar }
        return Unicode.Scalar(UInt32(truncatingIfNeeded: Int64(value) + Int64(run.distance))) ?? scalar
    }

    /// The bytes with ASCII letters in lower case: keywords are compared so.
    public static func ofASCII(_ text: String) -> [UInt8] {
        // Most texts lie in one piece, of which a loop over plain bytes is made.
        text.utf8.withContiguousStorageIfAvailable { $0.map(ascii) } ?? text.utf8.map(ascii)
    }

    private static func isASCIICapital(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5a }

    private static func ascii(_ byte: UInt8) -> UInt8 { isASCIICapital(byte) ? byte | 0x20 : byte }
}
