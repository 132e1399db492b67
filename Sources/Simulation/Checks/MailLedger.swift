internal import MailModel
internal import NIOCore

/// The mail that simulated MTAs and mail clients have sent, and the mailboxes that it reached.
struct MailLedger {
    /// One message for one recipient.
    private struct Copy: Hashable {
        let mail: UInt64
        let recipient: AccountAddress
    }

    /// Who may have each message.
    private var recipients: [UInt64: Set<AccountAddress>] = [:]
    /// Which message, and whose copy of it, each body is.
    private var copies: [BodyID: Copy] = [:]
    /// What a mail client put there itself: without the lines of final delivery.
    private var appended: Set<BodyID> = []
    private var arrivedBodies: Set<BodyID> = []
    private var arrived: Set<Copy> = []
    private var names: [Copy: DeliveryID] = [:]
    private var named: [DeliveryID: Copy] = [:]

    /// Messages so far.
    var count: Int { recipients.count }

    /// - Returns: the number of a new message.
    mutating func begin(for addresses: [AccountAddress]) -> UInt64 {
        let number = UInt64(recipients.count + 1)
        recipients[number] = Set(addresses)
        return number
    }

    /// A gateway is about to store a body: as part of which message, and for whom.
    ///
    /// - Parameter isDelivered: false for what a mail client appends.
    mutating func noteBody(_ body: BodyID, of mail: UInt64, for recipient: AccountAddress, isDelivered: Bool) {
        copies[body] = Copy(mail: mail, recipient: recipient)
        if !isDelivered { appended.insert(body) }
    }

    /// A gateway names a delivery.
    ///
    /// - Returns: whether it has that name always, and no other has it.
    mutating func noteDelivery(_ name: DeliveryID, of body: BodyID) -> Bool {
        guard let copy = copies[body] else { return false }
        let known = names[copy] ?? name
        let owner = named[name] ?? copy
        names[copy] = known
        named[name] = owner
        return known == name && owner == copy
    }

    /// A body is in a mailbox of an account.
    ///
    /// - Returns: whether the body came by LMTP for another account.
    mutating func arrive(_ body: BodyID, at address: AccountAddress) -> Bool {
        guard let copy = copies[body] else { return false }
        arrivedBodies.insert(body)
        arrived.insert(Copy(mail: copy.mail, recipient: address))
        return copy.recipient != address || recipients[copy.mail]?.contains(address) != true
    }

    func hasArrived(_ mail: UInt64, at address: AccountAddress) -> Bool {
        arrived.contains(Copy(mail: mail, recipient: address))
    }

    func hasBodyArrived(_ body: BodyID) -> Bool { arrivedBodies.contains(body) }

    /// Whether a stored body is what was sent, behind the lines of final delivery where it was delivered; nil when it
    /// came through no gateway.
    func isCopy(_ bytes: ByteBuffer, _ body: BodyID) -> Bool? {
        guard let copy = copies[body] else { return nil }
        let sent = SimMail.bytes(copy.mail)
        if appended.contains(body) { return bytes.readableBytesView.elementsEqual(sent) }
        let prefix = "Return-Path: <\(SimMail.sender)>\r\nDelivered-To: \(copy.recipient.text)\r\nReceived: from "
        return bytes.readableBytesView.starts(with: prefix.utf8)
            && bytes.readableBytesView.suffix(sent.count).elementsEqual(sent)
    }
}

/// Messages are made from their numbers, so that their bytes need not be kept.
enum SimMail {
    static let sender = "sender@example.net"

    /// With the trace of an MTA, so that a repetition is recognised; some lines begin with a dot. A few are larger than
    /// a chunk.
    static func bytes(_ number: UInt64) -> [UInt8] {
        var random = SimRandom(seed: number)
        let head =
            "Received: from a.example.net by mx.example.net with ESMTP id S\(number);\r\n"
            + "\tThu, 1 Jan 2026 00:00:00 +0000\r\nSubject: \(number)\r\n\r\n"
        var bytes = Array(head.utf8)
        let isLarge = random.below(60) == 0
        let lines = isLarge ? MailLimits.bodyChunkBytes / 64 + random.below(400) : random.below(40)
        for _ in 0..<lines {
            let word = random.next()
            let first: UInt8 = word & 7 == 0 ? UInt8(ascii: ".") : UInt8(ascii: "a")
            bytes.append(first)
            for shift in 0..<61 {
                bytes.append(UInt8(ascii: "a") + UInt8(truncatingIfNeeded: word >> (shift & 31)) % 26)
            }
            bytes += [13, 10]
        }
        return bytes
    }

    /// As DATA wants it (RFC 5321, section 4.5.2).
    static func wire(_ number: UInt64) -> ByteBuffer {
        let message = bytes(number)
        var wire: [UInt8] = []
        wire.reserveCapacity(message.count + message.count / 32 + 3)
        var isLineStart = true
        for byte in message {
            if isLineStart, byte == UInt8(ascii: ".") { wire.append(byte) }
            wire.append(byte)
            isLineStart = byte == 10
        }
        return ByteBuffer(bytes: wire + Array(".\r\n".utf8))
    }
}
