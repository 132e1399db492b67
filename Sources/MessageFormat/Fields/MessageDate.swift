/// The moment a Date field names (RFC 5322, section 3.3, and the obsolete forms of section 4.3).
struct MessageDate: Hashable, Sendable {
    /// Since 1970, in the zone of the field.
    let day: Int
    let secondOfDay: Int
    /// East of UTC.
    let zoneMinutes: Int

    var unixSeconds: Int64 { Int64(day) * 86_400 + Int64(secondOfDay) - Int64(zoneMinutes) * 60 }

    /// Reads words in about any order: `Mon, 2 Jan 2006 15:04:05 -0700 (MST)`, `2-Jan-06 15:04 GMT`,
    /// `Mon Jan  2 15:04:05 2006`.
    init?(field: [UInt8]) {
        var words = Words()
        var scanner = FieldScanner(field)
        while true {
            scanner.skipSpace()
            guard let byte = scanner.next else { break }
            if byte == UInt8(ascii: ",") || (byte == UInt8(ascii: "-") && words.second == nil) {
                scanner.skip()
                continue
            }
            let isDate = words.second == nil
            let start = scanner.index
            let token = scanner.token {
                $0 == UInt8(ascii: ",") || ($0 == UInt8(ascii: "-") && isDate)
            }
            guard scanner.index > start, words.take(token) else { return nil }
        }
        guard let dayOfMonth = words.day, let month = words.month, let year = words.year, let second = words.second,
            (1...Self.days(inMonth: month, of: year)).contains(dayOfMonth)
        else { return nil }
        day = Self.daysSince1970(year: year, month: month, day: dayOfMonth)
        secondOfDay = second
        zoneMinutes = words.zone ?? 0
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        switch month {
        case 2: return isLeap ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }

    /// The day's number in the Gregorian calendar, counted from March so that a leap day ends its year.
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
