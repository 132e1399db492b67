public import NIOCore

/// `* n FETCH (...)`, item by item: `beginFetch`, any items, `endFetch`.
extension ResponseEncoder {
    /// `* n FETCH (`, to be followed by items and ``endFetch()``.
    public mutating func beginFetch(_ sequenceNumber: UInt32) {
        precondition(pendingLiteralBytes == 0, "a response within a literal")
        raw("* \(sequenceNumber) FETCH (")
        isFirstItem = true
    }

    /// The end of the list of items.
    public mutating func endFetch() {
        line(")")
    }

    /// The name of an item and a space; its value is written next by the caller.
    public mutating func item(_ name: String) {
        precondition(pendingLiteralBytes == 0, "an item within a literal")
        if !isFirstItem { raw(" ") }
        isFirstItem = false
        raw(name)
        raw(" ")
    }

    /// `UID n`
    public mutating func uid(_ uid: UInt32) {
        item("UID")
        raw("\(uid)")
    }

    /// `FLAGS (flags)`
    public mutating func fetchedFlags(_ flags: [Flag]) {
        item("FLAGS")
        flagList(flags)
    }

    /// `INTERNALDATE "date"`
    public mutating func internalDate(_ date: DateTime) {
        item("INTERNALDATE")
        raw("\"\(date)\"")
    }

    /// `RFC822.SIZE n`
    public mutating func size(_ bytes: UInt64) {
        item("RFC822.SIZE")
        raw("\(bytes)")
    }

    /// `MODSEQ (n)` (RFC 7162 section 3.1.4.2)
    public mutating func modSeq(_ modSeq: UInt64) {
        item("MODSEQ")
        raw("(\(modSeq))")
    }

    /// `EMAILID (id)` (RFC 8474 section 5.1)
    public mutating func emailID(_ id: String) {
        item("EMAILID")
        raw("(\(id))")
    }

    /// NIL where threads are not known (RFC 8474 section 5.2).
    public mutating func threadID(_ id: String?) {
        item("THREADID")
        raw(id.map { "(\($0))" } ?? "NIL")
    }

    /// `SAVEDATE "date"`, or NIL where it is not known (RFC 8514).
    public mutating func saveDate(_ date: DateTime?) {
        item("SAVEDATE")
        raw(date.map { "\"\($0)\"" } ?? "NIL")
    }

    /// `PREVIEW "text"`, or NIL where there is none (RFC 8970).
    public mutating func preview(_ text: String?) {
        item("PREVIEW")
        textOrNIL(text)
    }

    /// ENVELOPE, BODY or BODYSTRUCTURE that was encoded before, and is known to be well-formed.
    public mutating func encodedItem(_ name: String, _ value: ByteBuffer) {
        item(name)
        buffer.writeImmutableBuffer(value)
    }

    /// A piece of such an item's value, behind its name (`item`).
    public mutating func encodedPiece(_ value: ByteBuffer) {
        buffer.writeImmutableBuffer(value)
    }

    /// `BODY[section]<origin>` with a short value; nil is NIL, for a part that does not exist.
    public mutating func section(_ section: BodySection, origin: UInt64? = nil, _ value: [UInt8]?) {
        item(Self.sectionName(section, origin))
        nstring(value)
    }

    /// `BODY[section]<origin>` and the announcement of its literal, whose bytes follow.
    public mutating func beginSection(_ section: BodySection, origin: UInt64? = nil, length: Int) {
        item(Self.sectionName(section, origin))
        beginLiteral(length: length)
    }

    /// An item by its name, such as `RFC822`, and the announcement of its literal.
    public mutating func beginItem(_ name: String, length: Int) {
        item(name)
        beginLiteral(length: length)
    }

    /// `BINARY[part]<origin>` and the announcement of its literal (RFC 3516).
    public mutating func beginBinary(part: [UInt32], origin: UInt64? = nil, length: Int, holdsNUL: Bool) {
        let path = part.map(String.init).joined(separator: ".")
        item("BINARY[\(path)]\(origin.map { "<\($0)>" } ?? "")")
        beginLiteral(length: length, isBinary: holdsNUL)
    }

    /// `BINARY.SIZE[part]`
    public mutating func binarySize(part: [UInt32], _ bytes: UInt64) {
        item("BINARY.SIZE[\(part.map(String.init).joined(separator: "."))]")
        raw("\(bytes)")
    }

    /// How a response calls a section.
    public static func sectionName(_ section: BodySection, _ origin: UInt64?) -> String {
        "BODY[\(section)]\(origin.map { "<\($0)>" } ?? "")"
    }
}
