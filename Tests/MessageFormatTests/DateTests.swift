import MessageFormat
import Testing

@Suite("Date") struct DateTests {
    /// Checked against Python's `email.utils`, which differs in a leap second and knows no years of three digits.
    static let dates: [(field: String, unixSeconds: Int64, zoneMinutes: Int, day: Int)] = [
        ("Mon, 2 Jan 2006 15:04:05 -0700", 1_136_239_445, -420, 13_150),
        ("2 Jan 2006 15:04:05 +0000", 1_136_214_245, 0, 13_150),
        ("2 Jan 2006 15:04 +0000", 1_136_214_240, 0, 13_150),
        ("Mon,  2  Jan  2006 15:04:05 -0700 (MST)", 1_136_239_445, -420, 13_150),
        ("Mon (day), 2 Jan (month) 2006 15:04:05 -0700", 1_136_239_445, -420, 13_150),
        ("Mon, 02 Jan 06 15:04:05 GMT", 1_136_214_245, 0, 13_150),
        ("Fri, 21 Nov 97 09:55:06 EST", 880_124_106, -300, 10_186),
        ("21 Nov 97 09:55:06 PDT", 880_131_306, -420, 10_186),
        ("Fri, 21 Nov 1997 09:55:06 Z", 880_106_106, 0, 10_186),
        ("Fri, 21 Nov 1997 09:55:06 XYZ", 880_106_106, 0, 10_186),
        ("Fri, 21 Nov 1997 09:55:06", 880_106_106, 0, 10_186),
        ("21-Nov-1997 09:55:06 +0100", 880_102_506, 60, 10_186),
        ("Fri Nov 21 09:55:06 1997", 880_106_106, 0, 10_186),
        ("1 Jan 1970 00:30:00 +0100", -1_800, 60, 0),
        ("31 Dec 1969 23:30:00 -0100", 1_800, -60, -1),
        ("29 Feb 2000 12:00:00 +0530", 951_805_800, 330, 11_016),
        ("Thu, 1 Jan 2099 00:00:60 +0000", 4_070_908_859, 0, 47_117),
        ("mon, 2 january 2006 15:04:05 -0700", 1_136_239_445, -420, 13_150),
        ("2 Jan 106 15:04:05 +0000", 1_136_214_245, 0, 13_150),
    ]

    @Test("Dates", arguments: dates)
    func date(field: String, unixSeconds: Int64, zoneMinutes: Int, day: Int) throws {
        let whole = summary("Date: \(field)\n\n")
        let date = try #require(whole.sentDate)
        #expect(date.unixSeconds == unixSeconds)
        #expect(date.zoneMinutes == zoneMinutes)
        #expect(whole.sentDay == day)
    }

    @Test(
        "No dates",
        arguments: [
            "", "yesterday", "30 Feb 2006 12:00:00 +0000", "29 Feb 1900 12:00:00 +0000", "0 Jan 2006 12:00:00 +0000",
            "2 Jan 2006 24:00:00 +0000", "2 Jan 2006", "2 Jan 15:04:05", "99999 Jan 2006 12:00:00",
            "2 Jan 2006 1:2:3:4",
            "2 3 4 5 Jan 12:00:00", ":::", "(", "-", "2 Jan 2006 -0700",
        ]
    )
    func none(field: String) {
        let whole = summary("Date: \(field)\n\n")
        #expect(whole.sentDate == nil)
        #expect(whole.sentDay == nil)
    }

    @Test("No Date field") func absent() { #expect(summary("\n").sentDay == nil) }
}
