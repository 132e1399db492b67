internal import Consensus

/// Makes messages that look like those of real mail: the headers of a few hops, a text, and from some size on an
/// attachment in base64, which no store can compress much.
///
/// Texts and attachments are pieces of two pools that are made once, so that a message costs little more than a copy of
/// its bytes. The same seed and run give the same messages.
package struct MessageSource: Sendable {
    private let seed: UInt64
    private let run: UInt64
    private let sizes: SizeDistribution
    private let texts: LinePool
    private let attachments: LinePool
    private let subjects: [[UInt8]]
    private let people: [[UInt8]]

    private static let textPoolBytes = 1 << 20
    private static let attachmentPoolBytes = 8 << 20
    private static let subjectCount = 2_000
    private static let peopleCount = 500
    /// Smaller messages are nothing but a text.
    private static let attachmentFromBytes = 8_192
    private static let longestTextBytes = 12_288
    private static let boundary = "=_part_7d1f04c2"

    /// - Parameters:
    ///   - seed: where all that is random begins.
    ///   - run: stands in each Message-ID. Servers drop what they take for a message that they have got before, so two
    ///     loads of one server differ in it.
    package init(seed: UInt64, run: UInt64, sizes: SizeDistribution) {
        self.seed = seed
        self.run = run
        self.sizes = sizes
        var random = SplitMix64(seed: SplitMix64.mix(seed))
        let vocabulary = Vocabulary(&random)
        texts = LinePool.words(vocabulary, atLeast: Self.textPoolBytes, &random)
        attachments = LinePool.base64(atLeast: Self.attachmentPoolBytes, &random)
        subjects = (0..<Self.subjectCount).map { _ in vocabulary.phrase(of: 2 + random.below(7), &random) }
        people = (0..<Self.peopleCount).map { number in
            let name = vocabulary.phrase(of: 2, &random)
            return name + Array(" <person\(number)@mail\(number % 40).example.net>".utf8)
        }
    }

    /// The n-th message, with lines that end in CRLF and none that begins with a dot. It is about as long as the
    /// distribution says: to one line.
    ///
    /// - Parameter number: of any kind; each gives a message of its own.
    package func message(_ number: Int) -> [UInt8] {
        var random = SplitMix64(seed: SplitMix64.mix(seed ^ UInt64(bitPattern: Int64(number)) &* 0x9E37_79B9))
        return message(number, bytes: sizes.draw(&random), &random)
    }

    private func message(_ number: Int, bytes: Int, _ random: inout SplitMix64) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(bytes + 256)
        let hasAttachment = bytes >= Self.attachmentFromBytes
        appendHeaders(number, isShort: bytes < 2_048, isMultipart: hasAttachment, to: &message, &random)
        guard hasAttachment else {
            texts.appendLines(upTo: bytes, to: &message, &random)
            return message
        }
        let head = Array(
            ("--\(Self.boundary)\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Transfer-Encoding: 7bit\r\n\r\n").utf8
        )
        message += head
        texts.appendLines(upTo: message.count + min(bytes / 4, Self.longestTextBytes), to: &message, &random)
        message += Array(
            ("\r\n--\(Self.boundary)\r\nContent-Type: application/pdf; name=\"document-\(number).pdf\"\r\n"
                + "Content-Disposition: attachment; filename=\"document-\(number).pdf\"\r\n"
                + "Content-Transfer-Encoding: base64\r\n\r\n").utf8
        )
        let tail = Array("\r\n--\(Self.boundary)--\r\n".utf8)
        attachments.appendLines(upTo: bytes - tail.count, to: &message, &random)
        message += tail
        return message
    }

    private func appendHeaders(
        _ number: Int,
        isShort: Bool,
        isMultipart: Bool,
        to message: inout [UInt8],
        _ random: inout SplitMix64
    ) {
        let id = hexadecimal(random.next())
        let date = Self.date(number)
        if !isShort {
            for hop in 0..<2 {
                message += Array(
                    ("Received: from mx\(hop).example.net (mx\(hop).example.net [192.0.2.\(1 + random.below(250))])\r\n"
                        + "\tby mail.example.org (Postfix) with ESMTPS id \(hexadecimal(random.next()))\r\n"
                        + "\tfor <someone@example.org>; \(date)\r\n").utf8
                )
            }
            message += Array(
                ("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net;\r\n\ts=mail; "
                    + "h=from:to:subject:date:message-id;\r\n\tbh=").utf8
            )
            attachments.appendLine(to: &message, prefix: 44, &random)
            message += Array(";\r\n\tb=".utf8)
            attachments.appendLine(to: &message, prefix: 72, &random)
            for _ in 0..<3 {
                message += Array("\r\n\t ".utf8)
                attachments.appendLine(to: &message, prefix: 72, &random)
            }
            message += [13, 10]
        }
        message += Array("From: ".utf8) + people[random.below(people.count)]
        if !isShort { message += Array("\r\nTo: ".utf8) + people[random.below(people.count)] }
        message += Array("\r\nSubject: ".utf8) + subjects[random.below(subjects.count)]
        message += Array(
            ("\r\nDate: \(date)\r\nMessage-ID: <\(id).\(number).\(hexadecimal(run))@example.net>\r\n"
                + "MIME-Version: 1.0\r\n").utf8
        )
        message += Array(
            (isMultipart
                ? "Content-Type: multipart/mixed; boundary=\"\(Self.boundary)\"\r\n\r\n"
                : "Content-Type: text/plain; charset=utf-8\r\n\r\n").utf8
        )
    }

    /// A date in November 2026 that goes on by a second with each message.
    private static func date(_ number: Int) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let second = Int(number.magnitude % (28 * 86_400))
        let day = second / 86_400
        let weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][day % 7]
        let time = "\(two(second / 3_600 % 24)):\(two(second / 60 % 60)):\(two(second % 60))"
        return "\(weekday), \(two(day + 1)) Nov 2026 \(time) +0100"
    }

    private func hexadecimal(_ value: UInt64) -> String { String(value, radix: 16, uppercase: true) }
}
