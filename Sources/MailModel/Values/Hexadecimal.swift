/// Numbers and bytes in hexadecimal digits, in lower case.
public enum Hexadecimal {
    /// The 16 digits of a number, zeros in front included.
    public static func digits(of value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Two digits for each byte, in the order of the bytes.
    public static func digits(of bytes: some Sequence<UInt8>) -> String {
        bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}
