/// A day of the (proleptic) Gregorian calendar.
public struct CalendarDate: Hashable, Sendable {
    /// 0 to 9999.
    public let year: Int
    /// 1 to 12.
    public let month: Int
    /// 1 to 31.
    public let day: Int

    /// The day of these numbers.
    ///
    /// - Returns: nil when there is no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard (0...9_999).contains(year), (1...12).contains(month) else { return nil }
        guard day >= 1, day <= Self.days(inMonth: month, of: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day that lies so many days behind 1 January 1970.
    ///
    /// - Parameter daysSinceEpoch: days since 1 January 1970, clamped to the years 0 to 9999.
    public init(daysSinceEpoch: Int) {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": civil_from_days.
        let shifted = min(max(daysSinceEpoch, -719_528), 2_932_896) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1 January 1970.
    public var daysSinceEpoch: Int {
        // The same source: days_from_civil.
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

extension CalendarDate: Comparable {
    public static func < (one: CalendarDate, other: CalendarDate) -> Bool {
        (one.year, one.month, one.day) < (other.year, other.month, other.day)
    }
}

extension CalendarDate: CustomStringConvertible {
    /// `date-text`, such as `1-Feb-2024`.
    public var description: String {
        "\(day)-\(Self.monthNames[month - 1])-\(DateTime.padded(year, to: 4))"
    }
}

extension CalendarDate {
    /// `date`: `date-text`, bare or in quotes.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> CalendarDate {
        let isQuoted = cursor.takeIfNext("\"")
        let day = try parseText(&cursor, expecting: "a date such as 1-Feb-2024")
        if isQuoted { try cursor.require("\"", "a quote behind the date") }
        return day
    }

    /// Day of one or two digits (or a blank and one), name of the month, year of four digits.
    static func parseText(_ cursor: inout Cursor, expecting what: String) throws(SyntaxError) -> CalendarDate {
        let start = cursor
        let dayDigits = cursor.byte(ahead: 1)?.isDigit == true ? 2 : 1
        let hasBlank = cursor.takeIfNext(" ")
        let day = try cursor.fixedNumber(digits: hasBlank ? 1 : dayDigits, what)
        try cursor.require("-", what)
        let name = cursor.takeBytes(while: \.isLetter).map(\.lowercased)
        try cursor.require("-", what)
        let year = try cursor.fixedNumber(digits: 4, what)
        let month = monthNames.firstIndex { $0.asciiLowercased.utf8.elementsEqual(name) }
        guard let month, let date = CalendarDate(year: year, month: month + 1, day: day) else {
            throw start.expected("\(what), of a day that exists")
        }
        return date
    }
}
