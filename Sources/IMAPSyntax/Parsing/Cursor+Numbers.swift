/// Numbers and lists (RFC 9051 section 9).
extension Cursor {
    /// `number`: 32 bits, unsigned.
    mutating func number(_ what: String) throws(SyntaxError) -> UInt32 {
        let value = try number64(what)
        guard let narrow = UInt32(exactly: value) else { throw expected("\(what) below 2^32") }
        return narrow
    }

    /// `nz-number`: 32 bits, not zero.
    mutating func nonZeroNumber(_ what: String) throws(SyntaxError) -> UInt32 {
        let value = try number(what)
        guard value > 0 else { throw expected("\(what) above zero") }
        return value
    }

    /// `number64` and `mod-sequence-valzer`: 63 bits (RFC 7162 section 7).
    mutating func number64(_ what: String) throws(SyntaxError) -> UInt64 {
        var value: UInt64 = 0
        guard let first = next, first.isDigit else { throw expected(what) }
        while let digit = next, digit.isDigit {
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !overflowed, !carried, sum <= UInt64(Int64.max) else { throw expected("\(what) below 2^63") }
            value = sum
            advance()
        }
        return value
    }

    /// A number of exactly so many digits, as in dates.
    mutating func fixedNumber(digits: Int, _ what: String) throws(SyntaxError) -> Int {
        var value = 0
        for _ in 0..<digits {
            guard let digit = next, digit.isDigit else { throw expected(what) }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
            advance()
        }
        return value
    }

    /// `"(" element *(SP element) ")"`, at least one element.
    mutating func list(
        _ what: String,
        limit: Int,
        element: (inout Cursor) throws(SyntaxError) -> Void
    ) throws(SyntaxError) {
        try require("(", "\(what) in parentheses")
        takeSpaces()
        var count = 0
        repeat {
            count += 1
            guard count <= limit else { throw tooMany(what, limit) }
            try element(&self)
        } while takeSpacesBeforeElement()
        try require(")", "a closing parenthesis behind \(what)")
    }
}
