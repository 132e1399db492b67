import Consensus
import Testing

@testable import IMAPSyntax

@Suite struct DateTimeTests {
    static let samples: [(String, Int64, Int)] = [
        (" 1-Jan-1970 00:00:00 +0000", 0, 0),
        ("17-Jul-1996 02:44:25 -0700", 837_596_665, -420),
        ("29-Feb-2024 23:59:59 +0530", 1_709_231_399, 330),
        ("31-Dec-1969 23:59:59 +0000", -1, 0),
        (" 1-Jan-2000 00:00:00 -0030", 946_686_600, -30),
        ("31-Dec-9999 23:59:59 +0000", 253_402_300_799, 0),
        ("31-Dec-9999 23:59:59 -1200", 253_402_343_999, -720),
        ("31-Dec-9999 23:59:59 +1400", 253_402_250_399, 840),
        ("31-Dec-9999 23:59:59 -9959", 253_402_660_739, -5_999),
        (" 1-Jan-0000 00:00:00 +0000", -62_167_219_200, 0),
        (" 1-Jan-0000 00:00:00 +1400", -62_167_269_600, 840),
        (" 1-Jan-0000 00:00:00 -9959", -62_166_859_260, -5_999),
    ]

    @Test(arguments: samples)
    func formatsAndParses(_ sample: (text: String, unixSeconds: Int64, zoneMinutes: Int)) throws {
        let moment = DateTime(unixSeconds: sample.unixSeconds, zoneMinutes: sample.zoneMinutes)
        #expect(moment.description == sample.text)
        #expect(moment.unixSeconds == sample.unixSeconds)
        var cursor = Cursor(bytes("\"\(sample.text)\" x"), limits: IMAPLimits())
        #expect(try DateTime.parse(&cursor) == moment)
        #expect(cursor.next == UInt8(ascii: " "))
    }

    @Test func roundTrips() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<20_000 {
            let seconds = Int64.random(in: -62_167_000_000...253_402_000_000, using: &random)
            let zone = Int.random(in: -840...840, using: &random)
            let moment = DateTime(unixSeconds: seconds, zoneMinutes: zone)
            #expect(moment.unixSeconds == seconds)
            var cursor = Cursor(bytes("\"\(moment)\""), limits: IMAPLimits())
            #expect((try? DateTime.parse(&cursor)) == moment)
        }
    }

    @Test(arguments: [Int64.min, Int64.max, -62_167_219_200, 253_402_300_799])
    func extremesAreClamped(_ seconds: Int64) {
        for zone in [-5_999, 0, 5_999, Int.max, Int.min] {
            let moment = DateTime(unixSeconds: seconds, zoneMinutes: zone)
            #expect((0...9_999).contains(moment.date.year))
            #expect(moment.description.utf8.count == 26)
        }
    }

    @Test(arguments: [
        "\"32-Jan-2024 00:00:00 +0000\"", "\"30-Feb-2024 00:00:00 +0000\"", "\" 1-Jan-2024 24:00:00 +0000\"",
        "\" 1-Jan-2024 00:60:00 +0000\"", "\" 1-Jan-2024 00:00:61 +0000\"", "\" 1-Jan-2024 00:00:00 0000\"",
        "\" 1-Jan-2024 00:00:00 +0060\"", "\" 1-Jan-24 00:00:00 +0000\"", " 1-Jan-2024 00:00:00 +0000", "\"",
        "\"29-Feb-2023 00:00:00 +0000\"",
    ])
    func refuses(_ text: String) {
        var cursor = Cursor(bytes(text), limits: IMAPLimits())
        #expect(throws: SyntaxError.self) { try DateTime.parse(&cursor) }
    }

    @Test func daysRoundTrip() {
        for day in stride(from: -719_528, through: 2_932_896, by: 13) {
            let date = CalendarDate(daysSinceEpoch: day)
            #expect(date.daysSinceEpoch == day)
            #expect(CalendarDate(year: date.year, month: date.month, day: date.day) == date)
        }
    }
}
