/// A moment with the time zone that it was written in: INTERNALDATE keeps both.
public struct DateTime: Hashable, Sendable {
    /// The day, in the time zone.
    public let date: CalendarDate
    /// 0 to 23.
    public let hour: Int
    /// 0 to 59.
    public let minute: Int
    /// 0 to 60: a leap second is let through.
    public let second: Int
    /// Minutes east of UTC.
    public let zoneMinutes: Int

    /// The moment of these numbers.
    ///
    /// - Returns: nil when a part is out of its range.
    public init?(date: CalendarDate, hour: Int, minute: Int, second: Int, zoneMinutes: Int) {
        guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else { return nil }
        guard Self.zoneRange.contains(zoneMinutes) else { return nil }
        self.date = date
        self.hour = hour
        self.minute = minute
        self.second = second
        self.zoneMinutes = zoneMinutes
    }

    /// The moment as seen in a zone.
    ///
    /// - Parameters:
    ///   - unixSeconds: seconds since 1 January 1970 UTC; clamped to the years 0 to 9999 as that zone counts them.
    ///   - zoneMinutes: minutes east of UTC; clamped to what `zone` can express.
    public init(unixSeconds: Int64, zoneMinutes: Int = 0) {
        self.zoneMinutes = min(max(zoneMinutes, Self.zoneRange.lowerBound), Self.zoneRange.upperBound)
        // The zone may lead out of the years that the grammar has, and back into them: the local time is what counts.
        let (shifted, isBeyond) = unixSeconds.addingReportingOverflow(Int64(self.zoneMinutes) * 60)
        let local = Int(min(max(isBeyond ? unixSeconds : shifted, Self.firstSecond), Self.lastSecond))
        let days = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        let secondOfDay = local - days * 86_400
        date = CalendarDate(daysSinceEpoch: days)
        hour = secondOfDay / 3_600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
    }

    /// Seconds since 1 January 1970 UTC.
    public var unixSeconds: Int64 {
        Int64(date.daysSinceEpoch * 86_400 + hour * 3_600 + (minute - zoneMinutes) * 60 + second)
    }

    /// `01-Jan-0000 00:00:00` and `31-Dec-9999 23:59:59` of any zone, counted from its own 1 January 1970.
    private static let firstSecond: Int64 = -62_167_219_200
    private static let lastSecond: Int64 = 253_402_300_799

    /// `zone` has two digits of hours and two of minutes.
    private static let zoneRange = -5_999...5_999
}

extension DateTime: CustomStringConvertible {
    /// `date-time` without its quotes, such as ` 1-Feb-2024 03:04:05 +0100`.
    public var description: String {
        let zone = abs(zoneMinutes)
        let day = date.day < 10 ? " \(date)" : "\(date)"
        let time = [hour, minute, second].map { Self.padded($0, to: 2) }.joined(separator: ":")
        let sign = zoneMinutes < 0 ? "-" : "+"
        return "\(day) \(time) \(sign)\(Self.padded(zone / 60, to: 2))\(Self.padded(zone % 60, to: 2))"
    }

    static func padded(_ number: Int, to digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

extension DateTime {
    /// `date-time`, in quotes.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> DateTime {
        let what = "a date such as \" 1-Feb-2024 03:04:05 +0100\""
        let start = cursor
        try cursor.require("\"", what)
        let date = try CalendarDate.parseText(&cursor, expecting: what)
        try cursor.require(" ", what)
        let hour = try cursor.fixedNumber(digits: 2, what)
        try cursor.require(":", what)
        let minute = try cursor.fixedNumber(digits: 2, what)
        try cursor.require(":", what)
        let second = try cursor.fixedNumber(digits: 2, what)
        try cursor.require(" ", what)
        let isWest = cursor.takeIfNext("-")
        if !isWest { try cursor.require("+", what) }
        let zoneHours = try cursor.fixedNumber(digits: 2, what)
        let zoneMinutes = try cursor.fixedNumber(digits: 2, what)
        try cursor.require("\"", what)
        let zone = (zoneHours * 60 + zoneMinutes) * (isWest ? -1 : 1)
        guard
            zoneMinutes < 60,
            let moment = DateTime(date: date, hour: hour, minute: minute, second: second, zoneMinutes: zone)
        else { throw start.expected("\(what), of a time that exists") }
        return moment
    }
}
