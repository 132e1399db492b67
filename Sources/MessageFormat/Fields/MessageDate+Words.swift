extension MessageDate {
    /// What the words of a date say, one after another.
    struct Words {
        var day: Int?
        var month: Int?
        var year: Int?
        var second: Int?
        var zone: Int?

        /// False for a word that cannot stand in a date.
        mutating func take(_ word: [UInt8]) -> Bool {
            guard let first = word.first else { return false }
            if second != nil, first == UInt8(ascii: "+") || first == UInt8(ascii: "-") { return takeOffset(word) }
            if word.contains(UInt8(ascii: ":")) { return takeTime(word) }
            if ASCII.isDigit(first) { return takeNumber(word) }
            if month == nil, let month = Self.month(word) {
                self.month = month
            } else if second != nil && zone == nil {
                // An unknown zone is read as UTC (section 4.3).
                zone = Self.zone(word) ?? 0
            }
            return true
        }

        private mutating func takeNumber(_ word: [UInt8]) -> Bool {
            guard let value = Self.number(word), word.count <= 4 else { return false }
            if day == nil && word.count <= 2 {
                day = value
            } else if year == nil {
                // Section 4.3: years of two and three digits.
                switch word.count {
                case 1, 2: year = value < 50 ? 2000 + value : 1900 + value
                case 3: year = 1900 + value
                default: year = value
                }
            } else {
                return false
            }
            return true
        }

        private mutating func takeTime(_ word: [UInt8]) -> Bool {
            let pieces = word.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard second == nil, (2...3).contains(pieces.count), let hour = Self.number(pieces[0]), hour < 24,
                let minute = Self.number(pieces[1]), minute < 60
            else { return false }
            var seconds = 0
            if pieces.count == 3 {
                // The fraction that some write is left out; a leap second is the one before.
                guard let value = Self.number(pieces[2].prefix(2)), value <= 60 else { return false }
                seconds = min(value, 59)
            }
            second = (hour * 60 + minute) * 60 + seconds
            return true
        }

        private mutating func takeOffset(_ word: [UInt8]) -> Bool {
            let digits = word.dropFirst().filter { $0 != UInt8(ascii: ":") }
            guard digits.count == 4, let value = Self.number(digits), value / 100 < 24, value % 100 < 60 else {
                zone = zone ?? 0
                return true
            }
            let minutes = value / 100 * 60 + value % 100
            if zone == nil { zone = word[0] == UInt8(ascii: "-") ? -minutes : minutes }
            return true
        }

        private static func number(_ digits: some Collection<UInt8>) -> Int? {
            guard !digits.isEmpty, digits.count <= 4, digits.allSatisfy(ASCII.isDigit) else { return nil }
            return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }

        private static func month(_ word: [UInt8]) -> Int? {
            let months: [StaticString] = [
                "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
            ]
            return months.firstIndex { ASCII.equal(word.prefix(3), $0) }.map { $0 + 1 }
        }

        private static func zone(_ word: [UInt8]) -> Int? {
            let zones: [(StaticString, Int)] = [
                ("est", -5), ("edt", -4), ("cst", -6), ("cdt", -5), ("mst", -7), ("mdt", -6), ("pst", -8), ("pdt", -7),
            ]
            return zones.first { ASCII.equal(word, $0.0) }.map { $0.1 * 60 }
        }
    }
}
