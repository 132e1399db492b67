internal import NIOCore

/// The replies of a session, in the order of its commands: one that is not known yet holds back those behind it.
struct ReplyQueue {
    /// A reply in its place; nil while it is not known.
    final class Slot {
        var reply: LMTPReply?
    }

    private var slots: [Slot] = []
    private var output = ByteBuffer()

    mutating func append(_ reply: LMTPReply) {
        if slots.isEmpty { return reply.write(into: &output) }
        reserve().reply = reply
    }

    /// The lines of one reply, with the code 250 and without an enhanced status code. Nothing may be held back.
    mutating func append(_ lines: [String]) {
        precondition(slots.isEmpty, "a reply before this one is not known")
        for (index, line) in lines.enumerated() {
            output.writeString(index == lines.count - 1 ? "250 \(line)\r\n" : "250-\(line)\r\n")
        }
    }

    /// The place of a reply that will be known later.
    mutating func reserve() -> Slot {
        let slot = Slot()
        slots.append(slot)
        return slot
    }

    /// The bytes of all replies up to the first one that is not known; nil where there are none.
    mutating func takeBytes() -> ByteBuffer? {
        // All at once: each removal moves what is behind it.
        let known = slots.prefix { $0.reply != nil }
        for slot in known { slot.reply?.write(into: &output) }
        slots.removeFirst(known.count)
        guard output.readableBytes > 0 else { return nil }
        defer { output = ByteBuffer() }
        return output
    }
}
