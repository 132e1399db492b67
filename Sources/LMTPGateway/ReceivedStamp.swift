internal import MailModel
internal import NIOCore

/// The trace that this server leaves on a message: a `Received` field (RFC 5321, section 4.4).
struct ReceivedStamp: Hashable {
    /// What the client calls itself in LHLO.
    let clientName: String
    /// Where the client connects from; nil where that is no Internet address.
    let clientAddress: String?
    /// This server's name.
    let hostName: String
    let isTLS: Bool
    let isUTF8: Bool
    let time: Timestamp

    /// Writes the field, with its line ends.
    ///
    /// - Parameters:
    ///   - id: names the copy in the store.
    ///   - path: the recipient as the client named it; nil when others get the message as well.
    func write(into buffer: inout ByteBuffer, id: BodyID, for path: String?) {
        buffer.writeStaticString("Received: from ")
        buffer.writeString(sender)
        buffer.writeStaticString("\r\n\tby ")
        buffer.writeString(Self.isDomain(hostName) ? hostName : "localhost")
        buffer.writeStaticString(" with ")
        buffer.writeString(protocolName)
        buffer.writeStaticString(" id ")
        buffer.writeString(Hexadecimal.digits(of: id.high))
        buffer.writeString(Hexadecimal.digits(of: id.low))
        if let path, isUTF8 || path.utf8.allSatisfy({ $0 < 0x80 }) {
            buffer.writeStaticString("\r\n\tfor <")
            buffer.writeString(path)
            buffer.writeStaticString(">")
        }
        buffer.writeStaticString(";\r\n\t")
        buffer.writeString(Self.date(time))
        buffer.writeStaticString("\r\n")
    }

    /// As registered by RFC 3848 and RFC 6531.
    private var protocolName: String { (isUTF8 ? "UTF8LMTP" : "LMTP") + (isTLS ? "S" : "") }

    /// The name is the client's own word, and counts only where it can stand in a header; the address is known.
    private var sender: String {
        let literal = clientAddress.map { $0.contains(":") ? "[IPv6:\($0)]" : "[\($0)]" }
        guard Self.isDomain(clientName) || Self.isLiteral(clientName) else { return literal ?? "unknown" }
        return literal.map { "\(clientName) (\($0))" } ?? clientName
    }

    private static let maxDomainBytes = 255

    private static func isDomain(_ text: String) -> Bool {
        (1...maxDomainBytes).contains(text.utf8.count) && text.utf8.allSatisfy(isDomainByte)
    }

    /// `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    private static func isLiteral(_ text: String) -> Bool {
        guard text.utf8.count <= maxDomainBytes, text.hasPrefix("["), text.hasSuffix("]"), text.utf8.count > 2 else {
            return false
        }
        return text.utf8.dropFirst().dropLast().allSatisfy { isDomainByte($0) || $0 == UInt8(ascii: ":") }
    }

    private static func isDomainByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    // MARK: Dates

    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let secondsPerDay: Int64 = 86_400
    /// The last second of the year 9999: a header's year has four digits.
    private static let lastSecond: Int64 = 253_402_300_799

    /// The date and time in UTC (RFC 5322, section 3.3); a clock that is beyond all reason gives the nearest date.
    static func date(_ time: Timestamp) -> String {
        let seconds = min(max(0, time.rawValue / 1_000), lastSecond)
        let (day, rest) = seconds.quotientAndRemainder(dividingBy: secondsPerDay)
        let (year, month, dayOfMonth) = civil(daysSince1970: day)
        func digits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(digits(rest / 3_600)):\(digits(rest / 60 % 60)):\(digits(rest % 60))"
        return "\(weekdays[Int(day % 7)]), \(dayOfMonth) \(months[month]) \(year) \(clock) +0000"
    }

    /// The proleptic Gregorian date, by years that begin in March, so that the leap day is a year's last; 400 of them
    /// have 146,097 days.
    ///
    /// - Returns: year, month from 0, day from 1.
    private static func civil(daysSince1970 day: Int64) -> (year: Int64, month: Int, day: Int64) {
        // 1 March of the year 0.
        let shifted = day + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // March is 0; the months' lengths repeat every five: 153 days.
        let month = (5 * dayOfYear + 2) / 153
        let isNextYear = month >= 10
        return (
            400 * era + yearOfEra + (isNextYear ? 1 : 0),
            Int(isNextYear ? month - 10 : month + 2),
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }
}
