import Testing

@testable import MailModel

/// Keys and slots follow from this table: neither the table nor the version it is of may change by itself.
@Suite struct LowerCaseTests {
    @Test func `the table is that of one Unicode version`() {
        #expect(LowerCase.unicodeVersion == "14.0.0")
        #expect(LowerCase.runs.count == 181)
        for (run, next) in zip(LowerCase.runs, LowerCase.runs.dropFirst()) { #expect(run.last < next.first) }
        for run in LowerCase.runs { #expect(run.step > 0 && run.first <= run.last) }
    }

    /// The number and the hash come from UnicodeData.txt's simple mappings, by Python.
    @Test func `every code point is mapped as in the table`() {
        var hash = StableHash()
        var mapped = 0
        for value in UInt32(0)...0x10ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let lowered = LowerCase.ofScalar(scalar).value
            guard lowered != value else { continue }
            mapped += 1
            for code in [value, lowered] {
                hash.combine([16, 8, 0].map { UInt8(truncatingIfNeeded: code >> $0) })
            }
        }
        #expect(mapped == 1_433)
        #expect(hash.finish() == 0x521f_8a80_9105_a28a)
    }

    /// An address is put into lower case again wherever it is read.
    @Test func `lower case stays as it is`() {
        for value in UInt32(0)...0x10ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let lowered = LowerCase.ofScalar(scalar)
            guard LowerCase.ofScalar(lowered) == lowered else {
                Issue.record("\(value) is not settled")
                continue
            }
        }
    }

    @Test(arguments: [
        ("ANNA", "anna"), ("[@^`{", "[@^`{"), ("MÜLLER", "müller"), ("ΟΔΟΣ", "οδοσ"), ("İI", "ii"), ("ẞ", "ß"),
        ("ПОЧТА", "почта"), ("\u{10400}", "\u{10428}"), ("E\u{301}", "e\u{301}"), ("\u{212a}", "k"),
    ])
    func `no locale and no neighbour matters`(_ text: String, _ lowered: String) {
        #expect(Array(LowerCase.of(text).utf8) == Array(lowered.utf8))
        #expect(Array(LowerCase.of(text[...]).utf8) == Array(lowered.utf8))
    }
}
