/// A selected mailbox as a mail client knows it, which believes all that it was told and asks for nothing twice.
struct ClientView {
    struct Message {
        /// Nil until the client has asked.
        var uid: UInt32?
        /// Without `\Recent`, in lower case; nil where the client was told of a change, but not of the flags.
        var flags: Set<String>?
        var modSeq: UInt64?
    }

    let name: String
    let isReadOnly: Bool
    var uidValidity: UInt32 = 0
    var uidNext: UInt32 = 0
    var highestModSeq: UInt64 = 0
    /// By sequence number, from 1 on.
    private(set) var messages: [Message] = []

    init(name: String, isReadOnly: Bool) {
        self.name = name
        self.isReadOnly = isReadOnly
    }

    /// The sequence number of the first message of which only the number is known.
    var firstUnknown: Int? {
        messages.firstIndex { $0.uid == nil || $0.flags == nil || $0.modSeq == nil }.map { $0 + 1 }
    }

    /// There are so many messages.
    ///
    /// - Returns: what cannot be so.
    mutating func exists(_ count: UInt64) -> String? {
        guard count >= messages.count else { return "EXISTS \(count), with \(messages.count) messages" }
        messages += Array(repeating: Message(), count: Int(count) - messages.count)
        return nil
    }

    mutating func expunge(_ number: UInt64) -> String? {
        guard number >= 1, number <= messages.count else { return "EXPUNGE \(number) of \(messages.count)" }
        messages.remove(at: Int(number) - 1)
        return nil
    }

    /// `words` are names of items and their values.
    mutating func fetched(_ number: UInt64, _ words: [IMAPWord]) -> String? {
        guard number >= 1, number <= messages.count else { return "FETCH \(number) of \(messages.count)" }
        let index = Int(number) - 1
        var told = Message()
        var position = 0
        while position + 1 < words.count {
            let value = words[position + 1]
            switch words[position].text {
            case "UID": told.uid = value.number.map(UInt32.init(truncatingIfNeeded:))
            case "FLAGS":
                told.flags = Set((value.list ?? []).map { $0.text.lowercased() }.filter { $0 != "\\recent" })
            case "MODSEQ": told.modSeq = value.list?.first?.number
            default: break
            }
            position += 2
        }
        return merge(told, at: index)
    }

    private mutating func merge(_ told: Message, at index: Int) -> String? {
        let known = messages[index]
        if let uid = told.uid {
            if let old = known.uid, old != uid { return "FETCH \(index + 1) is of UID \(uid), was \(old)" }
            if let before = messages[..<index].last(where: { $0.uid != nil })?.uid, before >= uid {
                return "UID \(uid) behind UID \(before)"
            }
            if let after = messages[(index + 1)...].first(where: { $0.uid != nil })?.uid, after <= uid {
                return "UID \(uid) before UID \(after)"
            }
            messages[index].uid = uid
        }
        if let modSeq = told.modSeq {
            if let old = known.modSeq, modSeq < old { return "UID \(name(index)): MODSEQ \(modSeq) after \(old)" }
            if modSeq != known.modSeq { messages[index].flags = nil }
            messages[index].modSeq = modSeq
        }
        if let flags = told.flags {
            if told.modSeq == nil || told.modSeq == known.modSeq, let old = known.flags, old != flags {
                return "UID \(name(index)): flags \(flags.sorted()), were \(old.sorted()) at the same MODSEQ"
            }
            messages[index].flags = flags
        }
        return nil
    }

    private func name(_ index: Int) -> String { messages[index].uid.map { "\($0)" } ?? "unknown" }
}
