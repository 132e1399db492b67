internal import MailModel
internal import NIOCore

/// The keywords of a mailbox's messages: the name of each number, and how many messages have it. A number whose keyword
/// no message has any more is free for another name.
///
/// The table is a row of its own, under the number of the contents: mail without keywords never touches it, and RENAME
/// of INBOX hands it over with the messages.
struct KeywordTable: Equatable {
    private struct Slot: Equatable {
        /// Empty for a number that is free.
        var name = ""
        var messages: UInt32 = 0
    }

    private var slots: [Slot] = []

    init() {}

    init(row: ByteBuffer) throws(DecodingError) {
        var decoder = try WireDecoder(row: row, subject: Self.subject)
        let count = try decoder.count(minimumBytes: 8)
        guard count <= MailLimits.keywordsPerMailbox else { throw decoder.failure(.tooLong) }
        for _ in 0..<count {
            let slot = Slot(
                name: try decoder.string(maximum: MailLimits.keywordBytes),
                messages: try decoder.integer()
            )
            guard slot.name.isEmpty == (slot.messages == 0) else { throw decoder.failure(.outOfRange) }
            slots.append(slot)
        }
        try decoder.finish()
    }

    private static let subject = "keywords row"

    /// Nil where no message has a keyword: then there is no row.
    var row: ByteBuffer? {
        guard !slots.isEmpty else { return nil }
        var row = newRow(capacity: 256)
        row.writeCount(slots.count)
        for slot in slots {
            row.writeLengthPrefixed(slot.name)
            row.writeInteger(slot.messages)
        }
        return row
    }

    /// Names by number; empty for a number that is free.
    var names: [String] { slots.map(\.name) }

    /// How many messages have the keyword, by number.
    var counts: [UInt32] { slots.map(\.messages) }

    /// - Throws: for a number that a message has and that has no name, which a sound state does not hold.
    func name(of number: Int) throws(DecodingError) -> String {
        guard isTaken(number) else { throw DecodingError(.outOfRange, offset: 0, subject: Self.subject) }
        return slots[number].name
    }

    private func isTaken(_ number: Int) -> Bool { number < slots.count && !slots[number].name.isEmpty }

    /// The numbers of these names, as far as messages have them.
    func find(_ names: [String]) -> KeywordSet {
        let known = numbersByName
        return KeywordSet(names.compactMap { known[FoldedName($0)] })
    }

    /// The number of each of these names; the lowest one that is free for a new name, nil where none is. A name that no
    /// message gets goes again with ``giveBack()``.
    mutating func take(_ names: [String]) -> [Int?] {
        var known = numbersByName
        var free = 0
        return names.map { name in
            let folded = FoldedName(name)
            if let number = known[folded] { return number }
            guard !name.isEmpty else { return nil }
            while free < slots.count, !slots[free].name.isEmpty { free += 1 }
            guard free < MailLimits.keywordsPerMailbox else { return nil }
            if free == slots.count { slots.append(Slot()) }
            slots[free].name = name
            known[folded] = free
            return free
        }
    }

    /// Names are compared without regard to ASCII case (RFC 3501, section 9), and by bytes: for Swift, two spellings of
    /// an accented letter are one string.
    private var numbersByName: [FoldedName: Int] {
        var numbers: [FoldedName: Int] = [:]
        numbers.reserveCapacity(slots.count)
        for (number, slot) in slots.enumerated() where !slot.name.isEmpty {
            numbers[FoldedName(slot.name)] = number
        }
        return numbers
    }

    private struct FoldedName: Hashable {
        let bytes: [UInt8]

        init(_ name: String) { bytes = LowerCase.ofASCII(name) }

        func hash(into hasher: inout Hasher) {
            // At once: an array would give its bytes one by one.
            bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    /// Counts the keywords of a message that comes or goes.
    mutating func countMessage(with keywords: KeywordSet, adding: Bool) throws(DecodingError) {
        guard !keywords.isEmpty else { return }
        for number in keywords.numbers {
            guard isTaken(number) else { throw DecodingError(.outOfRange, offset: 0, subject: Self.subject) }
            try slots[number].messages.count(1, adding: adding, Self.subject)
        }
    }

    /// Counts the keywords of many messages whose flags change, that come or that go.
    mutating func countMessages(adding more: KeywordTally, removing fewer: KeywordTally) throws(DecodingError) {
        guard !more.isEmpty || !fewer.isEmpty else { return }
        for number in 0..<MailLimits.keywordsPerMailbox {
            let (up, down) = (more[number], fewer[number])
            guard up > 0 || down > 0 else { continue }
            guard isTaken(number) else { throw DecodingError(.outOfRange, offset: 0, subject: Self.subject) }
            try slots[number].messages.count(up, adding: true, Self.subject)
            try slots[number].messages.count(down, adding: false, Self.subject)
        }
    }

    /// Frees the numbers whose keyword no message has.
    mutating func giveBack() {
        for number in slots.indices where slots[number].messages == 0 { slots[number].name = "" }
        while slots.last?.messages == 0 { slots.removeLast() }
    }
}
