/// The values an ENVELOPE is made of, unfolded but otherwise as they stand in the header.
struct EnvelopeFields: Hashable, Sendable {
    var date: [UInt8]?
    var subject: [UInt8]?
    var from: [UInt8]?
    var sender: [UInt8]?
    var replyTo: [UInt8]?
    var to: [UInt8]?
    var cc: [UInt8]?
    var bcc: [UInt8]?
    var inReplyTo: [UInt8]?
    var messageID: [UInt8]?
    /// Whether the header says more than is kept here.
    var isCut = false
    /// Whether one of these fields stands in the header more than once: lists of addresses are joined here, and of the
    /// others only the first is here.
    var isRepeated = false

    func write(into writer: inout SummaryWriter) {
        for value in [date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageID] {
            writer.optionalBytes(value)
        }
    }

    init() {}

    init(from reader: inout SummaryReader) throws(MessageFormatError) {
        date = try reader.optionalBytes()
        subject = try reader.optionalBytes()
        from = try reader.optionalBytes()
        sender = try reader.optionalBytes()
        replyTo = try reader.optionalBytes()
        to = try reader.optionalBytes()
        cc = try reader.optionalBytes()
        bcc = try reader.optionalBytes()
        inReplyTo = try reader.optionalBytes()
        messageID = try reader.optionalBytes()
    }
}
