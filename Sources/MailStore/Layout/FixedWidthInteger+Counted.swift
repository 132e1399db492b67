internal import MailModel

extension FixedWidthInteger where Self: UnsignedInteger {
    /// A counter of a row, so much higher. One that the disk has spoiled must not trap: the row counts as unreadable.
    func counted(up amount: Self, _ subject: String) throws(DecodingError) -> Self {
        let (sum, overflows) = addingReportingOverflow(amount)
        guard !overflows else { throw DecodingError(.outOfRange, offset: 0, subject: subject) }
        return sum
    }

    /// A counter of a row, so much lower; see ``counted(up:_:)``.
    func counted(down amount: Self, _ subject: String) throws(DecodingError) -> Self {
        guard self >= amount else { throw DecodingError(.outOfRange, offset: 0, subject: subject) }
        return self - amount
    }

    mutating func count(_ amount: Self, adding: Bool, _ subject: String) throws(DecodingError) {
        self = adding ? try counted(up: amount, subject) : try counted(down: amount, subject)
    }
}
