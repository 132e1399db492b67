import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

/// A client that believes all it is told has, whatever others do at whatever moment, the mailbox as it is: the same
/// messages under the same numbers, with the same flags (RFC 3501, sections 5.2 and 7.4.1).
@Suite struct ClientViewTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>, [true, false])
    func `what a client was told is what there is`(_ seed: UInt64, _ storeMayFail: Bool) {
        var world = World(seed: seed, storeMayFail: storeMayFail)
        world.select()
        for _ in 0..<100 {
            world.changeOfOthers()
            world.command()
            world.compare()
        }
    }
}

/// A session, its client, the mailbox, and others who change it.
private struct World {
    private var random: Dice
    private let storeMayFail: Bool
    private var mailbox = SharedMailbox()
    private var client = BelievingClient()
    private var test = SessionUnderTest()

    init(seed: UInt64, storeMayFail: Bool) {
        random = Dice(state: seed &* 0x9e37_79b9_7f4a_7c15)
        self.storeMayFail = storeMayFail
        for _ in 0..<random.below(8) { mailbox.deliver() }
        if random.below(2) == 0 { _ = test.send("e ENABLE CONDSTORE") }
    }

    // MARK: Others

    mutating func changeOfOthers() {
        for _ in 0..<random.below(3) {
            switch random.below(4) {
            case 0: mailbox.deliver()
            case 1:
                if let uid = random.one(of: mailbox.uids) { mailbox.remove(uid) }
            default:
                let flags = SystemFlags(rawValue: UInt8(random.below(32)))
                if let uid = random.one(of: mailbox.uids) { mailbox.set([uid], flags) }
            }
            test.session.accountChanged()
        }
    }

    // MARK: The session's store

    /// The lines of an answer, with changes of others between any two calls of the store.
    private mutating func answer(_ text: String) -> [String] {
        var text = text
        while !test.session.isReady {
            if random.below(3) == 0 { changeOfOthers() }
            let fails = storeMayFail && random.below(12) == 0
            switch test.calls.last {
            case .query(let query, _)?:
                text += test.give(fails ? .failure(.unavailable) : .answer(mailbox.answer(query)))
            case .submit(let command, _)?:
                // What became of a change is unknown where there is no answer.
                let outcome = fails && random.below(2) == 0 ? .done : mailbox.perform(command)
                text += test.give(fails ? .failure(.unavailable) : .outcome(outcome))
            default:
                Issue.record("the session waits for nothing that it asked for")
                return []
            }
        }
        return text.split(separator: "\r\n").map(String.init)
    }

    mutating func select() {
        repeat {
            client = BelievingClient()
            for line in answer(test.send("s SELECT INBOX")) { client.read(line, mayExpunge: false) }
        } while test.session.view == nil
    }

    // MARK: The client's commands

    mutating func command() {
        let number = random.below(max(1, client.messages.count)) + 1
        let isKnown = client.messages.count >= number
        switch random.below(isKnown ? 11 : 3) {
        case 0: carryOut("NOOP", mayExpunge: true)
        case 1: carryOut("UID SEARCH ALL", mayExpunge: true)
        case 2: idle()
        case 3: carryOut("FETCH \(number) FLAGS", mayExpunge: false)
        case 4: carryOut("FETCH \(number):* (UID RFC822.SIZE)", mayExpunge: false)
        case 5: carryOut("UID FETCH 1:* FLAGS", mayExpunge: true)
        case 6: carryOut("SEARCH 1:\(number) NOT DELETED", mayExpunge: false)
        case 7: store(number, isSilent: true)
        case 8: store(number, isSilent: false)
        case 9: carryOut("EXPUNGE", mayExpunge: true)
        default: carryOut("LIST \"\" \"\"", mayExpunge: true)
        }
    }

    @discardableResult
    private mutating func carryOut(_ line: String, mayExpunge: Bool) -> Bool {
        let lines = answer(test.send("a \(line)"))
        for line in lines { client.read(line, mayExpunge: mayExpunge) }
        #expect(lines.last?.hasPrefix("a OK") == true || storeMayFail, "\(line): \(lines)")
        return lines.last?.hasPrefix("a OK") == true
    }

    /// What a client stores silently it takes for granted, unless it is told otherwise.
    private mutating func store(_ number: Int, isSilent: Bool) {
        let (action, names) = (["", "+", "-"][random.below(3)], ["\\Seen", "\\Flagged", "\\Deleted"])
        let flags = Set(names.prefix(1 + random.below(3)))
        let line =
            "STORE \(number) \(action)FLAGS\(isSilent ? ".SILENT" : "") (\(flags.sorted().joined(separator: " ")))"
        if isSilent { client.expect(action, flags, at: number) }
        if !carryOut(line, mayExpunge: false) { client.forgetFlags(at: number) }
    }

    private mutating func idle() {
        for line in answer(test.send("a IDLE")) { client.read(line, mayExpunge: true) }
        for _ in 0..<random.below(3) {
            changeOfOthers()
            test.session.continueIdle()
            for line in answer(test.run()) { client.read(line, mayExpunge: true) }
        }
        for line in answer(test.send("DONE")) { client.read(line, mayExpunge: true) }
    }

    /// Behind a NOOP that reached the store, with nobody about, client and mailbox agree.
    mutating func compare() {
        let before = mailbox
        for line in test.send("n NOOP").split(separator: "\r\n") { client.read(String(line), mayExpunge: true) }
        while !test.session.isReady {
            let text =
                switch test.calls.last {
                case .query(let query, _)?: test.give(.answer(mailbox.answer(query)))
                case .submit(let command, _)?: test.give(.outcome(mailbox.perform(command)))
                default: ""
                }
            for line in text.split(separator: "\r\n") { client.read(String(line), mayExpunge: true) }
        }
        #expect(client.messages.count == before.uids.count)
        for (message, known) in zip(before.messages, client.messages) {
            #expect(known.uid == nil || known.uid == message.uid)
            #expect(known.flags == nil || known.flags == Set(message.flags.names.map(\.description)))
        }
    }
}

/// What a client makes of the responses.
private struct BelievingClient {
    struct Message {
        var uid: UInt32?
        /// Without `\Recent`.
        var flags: Set<String>?
    }

    var messages: [Message] = []

    mutating func read(_ line: String, mayExpunge: Bool) {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.first == "*", words.count > 2, let number = Int(words[1]) else { return }
        switch words[2] {
        case "EXISTS":
            #expect(number >= messages.count, "only EXPUNGE takes messages away")
            while messages.count < number { messages.append(Message()) }
        case "EXPUNGE":
            #expect(mayExpunge, "numbers must keep their meaning")
            guard messages.indices.contains(number - 1) else { return Self.complain(line) }
            messages.remove(at: number - 1)
        case "FETCH":
            guard messages.indices.contains(number - 1) else { return Self.complain(line) }
            if let uid = line.firstMatch(of: #/\bUID (\d+)/#).flatMap({ UInt32($0.output.1) }) {
                #expect(messages[number - 1].uid ?? uid == uid, "a number has another message")
                messages[number - 1].uid = uid
            }
            if let flags = line.firstMatch(of: #/\bFLAGS \(([^)]*)\)/#)?.output.1 {
                messages[number - 1].flags = Set(flags.split(separator: " ").map(String.init)).subtracting(["\\Recent"])
            }
        default: break
        }
    }

    private static func complain(_ line: String) { Issue.record("no message has this number: \(line)") }

    mutating func expect(_ action: String, _ flags: Set<String>, at number: Int) {
        switch action {
        case "+": messages[number - 1].flags?.formUnion(flags)
        case "-": messages[number - 1].flags?.subtract(flags)
        default: messages[number - 1].flags = flags
        }
    }

    mutating func forgetFlags(at number: Int) {
        if messages.indices.contains(number - 1) { messages[number - 1].flags = nil }
    }
}

/// A mailbox as the store has it, which many change.
private struct SharedMailbox {
    struct Message {
        let uid: UInt32
        var flags: SystemFlags
        var modSeq: UInt64
    }

    private(set) var messages: [Message] = []
    private var gone: [(uid: UInt32, modSeq: UInt64)] = []
    private var uidNext: UInt32 = 1
    private var modSeq: UInt64 = 1

    var uids: [UInt32] { messages.map(\.uid) }

    private var record: MailboxRecord {
        var record = MailboxRecord(id: MailboxID(1), name: .inbox, specialUse: nil, uidValidity: 1)
        record.uidNext = UID(uidNext)
        record.highestModSeq = ModSeq(modSeq)
        record.messages = UInt32(messages.count)
        return record
    }

    mutating func deliver() {
        modSeq += 1
        messages.append(Message(uid: uidNext, flags: [], modSeq: modSeq))
        uidNext += 1
    }

    mutating func remove(_ uid: UInt32) {
        modSeq += 1
        messages.removeAll { $0.uid == uid }
        // The store forgets what it has kept long enough.
        if modSeq % 4 > 0 { gone.append((uid, modSeq)) }
    }

    mutating func set(_ uids: [UInt32], _ flags: SystemFlags) {
        modSeq += 1
        for index in messages.indices where uids.contains(messages[index].uid) && messages[index].flags != flags {
            messages[index].flags = flags
            messages[index].modSeq = modSeq
        }
    }

    func answer(_ query: MailQuery) -> MailAnswer {
        func states(_ isIn: (Message) -> Bool) -> [MessageState] {
            messages.filter(isIn).map { Fixture.state($0.uid, $0.flags, $0.modSeq) }
        }
        switch query {
        case .mailbox: return .mailbox(record)
        case .messages(_, let from, _): return .messages(record, states { $0.uid >= from.rawValue })
        case .changes(_, let since, let newFrom):
            return .changes(
                MailboxChanges(
                    mailbox: record,
                    changed: states { $0.uid < newFrom.rawValue && $0.modSeq > since.rawValue },
                    new: states { $0.uid >= newFrom.rawValue },
                    expunged: UIDSet(gone.lazy.filter { $0.modSeq > since.rawValue }.map { UID($0.uid) })
                )
            )
        case .details(_, let set, _):
            let known = Fixture.messages[0].details
            return .details(
                uids.filter { set.contains(UID($0)) }.map {
                    MessageDetails(
                        uid: UID($0),
                        bodyID: known.bodyID,
                        sizeBytes: 1,
                        internalDate: known.internalDate,
                        saved: known.saved,
                        summary: ByteBuffer()
                    )
                }
            )
        case .account, .mailboxes, .body: return .missing
        }
    }

    mutating func perform(_ command: MailCommand) -> MailOutcome {
        switch command {
        case .storeFlags(_, let set, let operation, let names, _):
            var changed: [UInt32] = []
            modSeq += 1
            for index in messages.indices where set.contains(UID(messages[index].uid)) {
                let before = messages[index].flags
                switch operation {
                case .replace: messages[index].flags = names.system
                case .add: messages[index].flags.formUnion(names.system)
                case .remove: messages[index].flags.subtract(names.system)
                }
                guard messages[index].flags != before else { continue }
                messages[index].modSeq = modSeq
                changed.append(messages[index].uid)
            }
            return .flagsStored(
                modSeq: ModSeq(modSeq),
                changed: UIDSet(changed.map { UID($0) }),
                modified: UIDSet(),
                surplus: 0
            )
        case .expunge(_, let set):
            let marked = messages.filter { set.contains(UID($0.uid)) && $0.flags.contains(.deleted) }.map(\.uid)
            for uid in marked { remove(uid) }
            return .expunged(UIDSet(marked.map { UID($0) }), modSeq: ModSeq(modSeq))
        default: return .refused(.notHere)
        }
    }
}

/// The same throws for the same seed (xorshift64*).
private struct Dice {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    mutating func one<Element>(of elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}
