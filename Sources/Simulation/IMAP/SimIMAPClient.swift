internal import Consensus
internal import IMAPGateway
internal import MailModel
internal import NIOCore
internal import NodeRuntime

/// A mail client: speaks IMAP with the gateway of a node, about an account that it shares with others, keeps a view of
/// the selected mailbox from what it is told, and idles; when the node is gone, it goes on at another.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimIMAPClient: @unchecked Sendable {
    /// A command that is not answered.
    struct Command {
        enum Kind {
            /// `store` is by sequence numbers, which stay as they are; `change` is by UIDs.
            case login, list, learn, noop, idle, search, store, change, close, other
            case select(ClientView)
            case status(String)
            case append(literal: ByteBuffer?)
            /// Of a message with this UID.
            case body(UInt32)
        }

        let tag: String
        let kind: Kind
        /// What must be seen by its answer, where it says how things are.
        let floor: UInt64
        let started: Int64
        /// What the service had failed at before.
        let failures: Int
    }

    static let count = 2

    let number: Int
    unowned let world: World
    let group: GroupID
    let address: AccountAddress
    var random: SimRandom
    private var node: Int
    private var connection: SimIMAPConnection?
    private var hasGreeting = false
    private(set) var pending: [Command] = []
    private(set) var account: AccountReference?
    private(set) var view: ClientView?
    /// The tag of the IDLE that goes on.
    private var idling: String?
    /// What a view must show as soon as it is complete.
    private var dueFloor: UInt64?
    /// Untagged responses of the command under way.
    private var listed: Set<String> = []
    private var found: Set<UInt32> = []
    /// The message that is appended, and what was stored of it, or was to be.
    private var mail: UInt64 = 0
    private var bodies: Set<BodyID> = []
    /// It has gone to rest, or is about to.
    private var isSettling = false
    /// When a command was begun that was answered at last, by more than that the store cannot be reached.
    private(set) var succeededAt: Int64 = -1

    init(_ number: Int, of client: SimClient, random: SimRandom, world: World) {
        self.number = number
        self.world = world
        self.random = random
        group = client.group
        address = client.address
        node = (number + 1) % world.options.nodes
    }

    var isIdling: Bool { idling != nil }

    // MARK: Coming and going

    /// Does the next thing, unless something is under way.
    func act() {
        world.schedule(.use(.imapClient(number)), after: random.time(20_000...2_000_000))
        connection?.advance(to: world.now)
        hear()
        guard pending.isEmpty, world.injector.strand.group != group else { return }
        if let connection, !connection.isActive || (!isSettling && random.below(40) == 0) { hangUp() }
        guard connection != nil else { return isSettling ? () : connect() }
        if isSettling { return settleDown() }
        if isIdling {
            if random.below(4) == 0 { sendDone() }
            return
        }
        guard account != nil else { return logIn() }
        nextCommands()
    }

    private func connect() {
        node = random.below(world.nodes.count)
        guard world.nodes[node].isUp else { return }
        let service = SimMailService(world.nodes[node], random: random.fork(), world: world)
        guard let opened = try? SimIMAPConnection(service, in: world) else {
            return world.fail("a client can connect", "IMAP client \(number)")
        }
        service.answered = { [unowned self] in hear() }
        service.noted = { [unowned self] command, _ in note(command) }
        service.authenticated = { [unowned self] verdict in
            if case .authenticated(let reference, _) = verdict { account = reference }
        }
        connection = opened
        hear()
    }

    /// The connection ends, whatever is under way.
    func hangUp() {
        // What ends with the connection is not heard any more.
        let ended = connection
        connection = nil
        ended?.end()
        hasGreeting = false
        pending = []
        account = nil
        view = nil
        idling = nil
        dueFloor = nil
    }

    func nodeCrashed(_ position: Int) { if node == position { hangUp() } }

    private func note(_ command: MailCommand) {
        let body: BodyID
        switch command {
        case .append(let message, _): body = message.bodyID
        case .uploadChunk(let name, _, _): body = name
        default: return
        }
        world.checker.mail.noteBody(body, of: mail, for: address, isDelivered: false)
        bodies.insert(body)
    }

    // MARK: At the end

    /// From now on only a mailbox is watched, if one is selected.
    func settle() { isSettling = true }

    private func settleDown() {
        guard !isIdling else { return }
        guard account != nil, view != nil else { return hangUp() }
        send("IDLE", .idle)
    }

    var isSettled: Bool { pending.isEmpty && (connection == nil || isIdling) }

    /// What the client does not know of the mailbox that it watches.
    var untold: String? {
        guard isIdling, let view, let account, connection?.service.mayErr == false else { return nil }
        return IMAPCheck(versions: [world.checker.model(group).accounts[account.id]]).differenceNow(of: view)
    }

    // MARK: Sending

    func send(_ line: String, _ kind: Command.Kind, literal: ByteBuffer? = nil) {
        guard let connection else { return }
        let tag = connection.makeTag()
        pending.append(command(tag, kind))
        world.trace.mix(at: world.now, kind: .call, node: node, UInt64(number), UInt64(line.utf8.count))
        world.trace.add(at: world.now, .call, node: node, "IMAP client \(number): \(tag) \(line)")
        connection.send("\(tag) \(line)\r\n", literal)
        hear()
    }

    private func command(_ tag: String, _ kind: Command.Kind) -> Command {
        Command(
            tag: tag,
            kind: kind,
            floor: world.checker.floor(group),
            started: world.now,
            failures: connection?.service.failures ?? 0
        )
    }

    private func logIn() {
        guard hasGreeting else { return }
        send("LOGIN \"\(address.text)\" \(SimPasswords.password)", .login)
    }

    private func sendDone() {
        guard let tag = idling else { return }
        idling = nil
        // The answer to IDLE comes now.
        pending.append(command(tag, .other))
        connection?.send("DONE\r\n")
        hear()
    }

    func forgetView() {
        view = nil
        dueFloor = nil
    }

    func append(to mailbox: String, flags: String) {
        mail = world.checker.mail.begin(for: [address])
        bodies = []
        let bytes = ByteBuffer(bytes: SimMail.bytes(mail))
        if random.below(2) == 0 {
            send("APPEND \(mailbox) \(flags) {\(bytes.readableBytes)+}", .append(literal: nil), literal: bytes)
        } else {
            send("APPEND \(mailbox) \(flags) {\(bytes.readableBytes)}", .append(literal: bytes))
        }
    }

    // MARK: Hearing

    private func hear() {
        while let words = connection?.nextReply() { take(words) }
    }

    private func take(_ words: [IMAPWord]) {
        guard let first = words.first else { return }
        world.trace.add(at: world.now, .answer, node: node, "IMAP client \(number): \(words.map(\.summary))")
        if let problem = problem(in: words, first.text) {
            guard connection?.service.mayErr != true else { return hangUp() }
            let asked = pending.first.map { "\($0.kind)" } ?? "no command"
            world.fail(
                "a mail client is told what can be",
                "IMAP client \(number) at node \(node + 1), \(asked): \(problem)"
            )
        }
    }

    /// Takes in a response.
    ///
    /// - Returns: what is wrong about it.
    private func problem(in words: [IMAPWord], _ first: String) -> String? {
        switch first {
        case "+":
            switch pending.first?.kind {
            case .append(let literal?)?:
                connection?.send("", literal)
                return nil
            case .idle?:
                idling = pending.removeFirst().tag
                return nil
            default: return "a continuation that nobody asked for"
            }
        case "*": return untagged(Array(words.dropFirst()))
        default: return answered(words, first)
        }
    }

    private func untagged(_ words: [IMAPWord]) -> String? {
        guard words.count >= 2 else { return nil }
        if let number = words[0].number {
            switch words[1].text {
            case "EXISTS": return change { $0.exists(number) }
            case "EXPUNGE":
                guard mayExpunge else { return "EXPUNGE \(number) where numbers must keep their meaning" }
                return change { $0.expunge(number) }
            case "FETCH":
                let items = words.last?.list ?? []
                return change { $0.fetched(number, items) } ?? checkBody(number, items)
            default: return nil
            }
        }
        switch words[0].text {
        case "OK":
            hasGreeting = true
            noteSelected(words[1].list ?? [])
            return nil
        case "LIST":
            let attributes = Set((words[1].list ?? []).map { $0.text.lowercased() })
            if attributes.isDisjoint(with: ["\\noselect", "\\nonexistent"]) { listed.insert(words.last?.text ?? "") }
            return nil
        case "SEARCH":
            found = Set(words.dropFirst().compactMap { $0.number.map(UInt32.init(truncatingIfNeeded:)) })
            return nil
        case "STATUS": return checkStatus(words)
        default: return nil
        }
    }

    /// RFC 3501, section 7.4.1.
    private var mayExpunge: Bool {
        switch pending.first?.kind {
        case .learn?, .store?: false
        case nil: isIdling
        default: true
        }
    }

    /// Of the mailbox that is being selected, where one is.
    private func change(_ body: (inout ClientView) -> String?) -> String? {
        if case .select(var partial)? = pending.first?.kind, let command = pending.first {
            let problem = body(&partial)
            pending[0] = Command(
                tag: command.tag,
                kind: .select(partial),
                floor: command.floor,
                started: command.started,
                failures: command.failures
            )
            return problem
        }
        guard var known = view else { return "about a mailbox, and none is selected" }
        view = nil
        let problem = body(&known)
        view = known
        return problem
    }

    private func noteSelected(_ code: [IMAPWord]) {
        guard code.count == 2, let number = code[1].number, case .select? = pending.first?.kind else { return }
        _ = change { view in
            switch code[0].text {
            case "UIDVALIDITY": view.uidValidity = UInt32(truncatingIfNeeded: number)
            case "UIDNEXT": view.uidNext = UInt32(truncatingIfNeeded: number)
            case "HIGHESTMODSEQ": view.highestModSeq = number
            default: break
            }
            return nil
        }
    }

    private func answered(_ words: [IMAPWord], _ tag: String) -> String? {
        guard let command = pending.first, command.tag == tag, words.count >= 2 else {
            return "\(words) is not asked for"
        }
        pending.removeFirst()
        world.trace.mix(at: world.now, kind: .answer, node: node, UInt64(number), UInt64(words[1].text.utf8.count))
        let code = words.count > 2 ? words[2].list ?? [] : []
        let reason = code.first?.text ?? ""
        let isLost = ["UNAVAILABLE", "INUSE"].contains(reason)
        if !isLost { succeededAt = command.started }
        switch words[1].text {
        case "OK": return concluded(command, code)
        case "NO":
            if isLost { world.counts.calls.unknown += 1 } else { world.counts.calls.refused += 1 }
            return refused(command, reason)
        default: return "\(words.map(\.summary))"
        }
    }

    // MARK: Judging

    private func check(since floor: UInt64) -> IMAPCheck? {
        world.checker.countCheck()
        guard let account, connection?.service.mayErr == false else { return nil }
        return world.checker.model(group).versions(of: account.id, since: floor).map(IMAPCheck.init(versions:))
    }

    private func concluded(_ command: Command, _ code: [IMAPWord]) -> String? {
        world.counts.calls.succeeded += 1
        let isSure = command.failures == connection?.service.failures
        switch command.kind {
        case .login: break
        case .select(let selected):
            view = selected
            dueFloor = isSure ? command.floor : nil
            let isRight = check(since: command.floor)?.was(selected.name) {
                $0.uidValidity == selected.uidValidity && $0.uidNext == selected.uidNext
                    && $0.messages.count == selected.messages.count && $0.modSeq == selected.highestModSeq
            }
            if isRight == false { return "SELECT shows what never was: \(selected)" }
        case .list:
            defer { listed = [] }
            if check(since: command.floor)?.hadMailboxes(listed) == false {
                return "LIST shows what never was: \(listed.sorted())"
            }
        case .noop: if isSure { dueFloor = command.floor }
        case .store, .change:
            if isSure, let problem = checkOwnChange(command.kind) { return problem }
        case .search:
            defer { found = [] }
            let shown = Set(view?.messages.compactMap(\.uid) ?? [])
            if view?.firstUnknown == nil, !shown.isSubset(of: found) {
                return "SEARCH ALL misses \(shown.subtracting(found).sorted())"
            }
        case .append: return checkAppended(command, code)
        // Where it is refused, the mailbox is selected as before.
        case .close: forgetView()
        case .learn, .idle, .other, .status, .body: break
        }
        return checkView()
    }

    /// The answer to a command that changes messages shows what it has changed, though another node may have done it.
    private func checkOwnChange(_ kind: Command.Kind) -> String? {
        guard let index = connection?.service.changedIndex, let view, view.firstUnknown == nil else { return nil }
        // STORE by numbers leaves them as they are: what is gone is told later.
        let mayShowGone = if case .change = kind { false } else { true }
        return check(since: index)?.viewDifference(of: view, mayShowGone: mayShowGone)
    }

    private func checkView() -> String? {
        guard let floor = dueFloor, let view, view.firstUnknown == nil else { return nil }
        dueFloor = nil
        return check(since: floor)?.viewDifference(of: view)
    }

    private func refused(_ command: Command, _ reason: String) -> String? {
        switch command.kind {
        case .login:
            defer { hangUp() }
            guard reason == "AUTHENTICATIONFAILED" else { return nil }
            let known = world.checker.model(group).accounts.first { $0.value.address == address }
            guard let id = known?.key, connection?.service.mayErr == false,
                let versions = world.checker.model(group).versions(of: id, since: command.floor)
            else { return nil }
            return versions.allSatisfy { $0?.credential != nil } ? "the right password is refused" : nil
        case .select(let selected):
            view = nil
            guard reason == "NONEXISTENT" || reason == "TRYCREATE" else { return nil }
            return check(since: command.floor)?.wasMissing(selected.name) == false ? "no mailbox \(selected.name)" : nil
        case .status(let name):
            guard reason == "NONEXISTENT" else { return nil }
            return check(since: command.floor)?.wasMissing(name) == false ? "no mailbox \(name)" : nil
        case .list, .learn, .noop, .idle, .search, .store, .change, .close, .other, .append, .body:
            // What was changed of a mailbox may not be known.
            return nil
        }
    }

    /// `* STATUS name (items)`
    private func checkStatus(_ words: [IMAPWord]) -> String? {
        guard case .status(let name)? = pending.first?.kind, let floor = pending.first?.floor, words.count == 3,
            let items = words[2].list
        else { return "\(words)" }
        var told: [String: UInt64] = [:]
        for position in stride(from: 0, to: items.count - 1, by: 2) {
            told[items[position].text] = items[position + 1].number
        }
        let isRight = check(since: floor)?.was(name) {
            told == [
                "MESSAGES": UInt64($0.messages.count), "UIDNEXT": UInt64($0.uidNext),
                "UIDVALIDITY": UInt64($0.uidValidity), "HIGHESTMODSEQ": $0.modSeq,
                "UNSEEN": UInt64($0.messages.count { !$0.flags.system.contains(.seen) }),
            ]
        }
        return isRight == false ? "STATUS shows what never was: \(told.sorted { $0.key < $1.key })" : nil
    }

    /// `APPENDUID` names the message (RFC 4315, section 3).
    private func checkAppended(_ command: Command, _ code: [IMAPWord]) -> String? {
        guard code.count == 3, code[0].text == "APPENDUID", let validity = code[1].number, let uid = code[2].number
        else { return "APPEND without APPENDUID: \(code)" }
        let hasIt = check(since: command.floor)?.hadMessage(
            UInt32(truncatingIfNeeded: uid),
            uidValidity: UInt32(truncatingIfNeeded: validity),
            bodies: bodies
        )
        return hasIt == false ? "APPENDUID \(validity) \(uid) is of another message" : nil
    }

    private func checkBody(_ number: UInt64, _ items: [IMAPWord]) -> String? {
        guard case .body(let uid)? = pending.first?.kind, let view, let account,
            view.messages.indices.contains(Int(number) - 1), view.messages[Int(number) - 1].uid == uid,
            let position = items.firstIndex(of: .atom("BODY[]")), position + 1 < items.count,
            case .string(let bytes) = items[position + 1], !bytes.isEmpty,
            let mailbox = world.checker.model(group).accounts[account.id]?.mailbox(uidValidity: view.uidValidity),
            let message = mailbox.messages.first(where: { $0.uid == uid })
        else { return nil }
        world.checker.countCheck()
        // Something else stands for a NUL, which no literal may hold (RFC 3501, section 4.3.1).
        let made = SimBody.bytes(message.body, bytes.count).readableBytesView
        let isRight =
            world.checker.mail.isCopy(ByteBuffer(bytes: bytes), message.body)
            ?? zip(made, bytes).allSatisfy { $0 == $1 || $0 == 0 }
        guard isRight, UInt64(bytes.count) == message.sizeBytes else {
            return "UID \(uid): \(bytes.count) bytes that are not the \(message.sizeBytes) that were put there"
        }
        return nil
    }
}

extension IMAPWord {
    /// For a trace, without what messages hold.
    var summary: String {
        switch self {
        case .atom(let text): text
        case .string(let bytes): bytes.count > 60 ? "\(bytes.count) bytes" : text
        case .list(let words): "(\(words.map(\.summary).joined(separator: " ")))"
        }
    }
}
