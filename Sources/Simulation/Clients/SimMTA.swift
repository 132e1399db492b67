internal import Consensus
internal import LMTPGateway
internal import MailModel
internal import NIOCore
internal import NIOEmbedded
internal import NodeRuntime

/// An MTA: speaks LMTP, pipelined, with the gateway of a node, for several recipients at a time, and repeats for those
/// whose answer was lost or temporary, through another node.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimMTA: @unchecked Sendable {
    /// A message, and for whom it waits.
    struct Mail {
        let number: UInt64
        var recipients: [AccountAddress]
        var attempts = 0
        /// When it is delivered again.
        var due: Int64 = 0
    }

    /// What the next reply is about.
    private enum Step {
        case greeting, hello, mail
        case recipient(Int)
        case data
        /// Position in the recipients who were accepted.
        case answer(Int)
    }

    static let count = 2
    /// Messages that wait to be delivered again; beyond that no new ones are begun.
    static let queuedMails = 8
    /// After so many the MTA gives up.
    static let attempts = 6
    /// In one transaction.
    static let recipients = 8

    let number: Int
    unowned let world: World
    var random: SimRandom
    private var session: SimLMTPSession?
    private var node = 0
    private var queue: [Mail] = []
    /// Under way.
    private var mail: Mail?
    private var step = Step.greeting
    private var accepted: [Int] = []
    /// Each recipient's own last reply.
    private var codes: [Int?] = []
    /// Recipients whose accounts were there when the transaction began.
    private var known: [AccountID?] = []
    private var begun: Int64 = 0
    /// A group that must be left alone for a while, so that it rests.
    private var avoided: (group: GroupID, until: Int64)?
    private var isStopped = false
    /// Accounts without any room, by group.
    private let fullAccounts: [GroupID: AccountAddress]
    /// An account of its own has no room at all; its creation is under way.
    private var isCreating = false
    /// When a transaction last began in which every recipient had a final answer.
    private(set) var succeededAt: Int64 = -1

    init(_ number: Int, random: SimRandom, world: World) {
        self.number = number
        self.random = random
        self.world = world
        node = number % world.options.nodes
        fullAccounts = world.groups.dropFirst().reduce(into: [:]) { $0[$1] = world.address("full", in: $1) }
    }

    var isBusy: Bool { mail != nil || isCreating }

    func stop() { isStopped = true }

    /// Sends no mail to a group before that time: mail would wake the group.
    func avoid(_ group: GroupID, until: Int64) { avoided = (group, until) }

    /// The connection ends, whatever is under way.
    func hangUp() {
        session?.end()
        session = nil
    }

    func nodeCrashed(_ position: Int) {
        guard node == position else { return }
        isCreating = false
        lose()
    }

    /// Begins the next transaction, unless one is under way.
    func act() {
        world.schedule(.use(.mta(number)), after: random.time(20_000...1_500_000))
        guard !isBusy, !isStopped else { return }
        if session != nil, random.below(4) == 0 { hangUp() }
        if session == nil { node = random.below(world.nodes.count) }
        guard world.nodes[node].isUp else { return hangUp() }
        if let group = groupWithoutFullAccount { return createFullAccount(in: group) }
        guard let next = due() ?? newMail() else { return }
        deliver(next)
    }

    // MARK: Recipients

    private func isUsable(_ group: GroupID) -> Bool {
        if let avoided, avoided.group == group, world.now < avoided.until { return false }
        return world.injector.strand.group != group
    }

    private func fullAccount(_ group: GroupID) -> AccountAddress? { fullAccounts[group] }

    private var groupWithoutFullAccount: GroupID? {
        world.groups.dropFirst().first { group in
            isUsable(group)
                && !world.checker.model(group).accounts.contains { $0.value.address == fullAccount(group) }
        }
    }

    private func createFullAccount(in group: GroupID) {
        guard let address = fullAccount(group) else { return }
        let command = MailCommand.createAccount(address: address, credential: nil, quotaBytes: 10, mailboxes: [])
        isCreating = world.submit(command, AccountID(0), to: group, at: world.nodes[node]) { [unowned self] in
            isCreating = false
        }
    }

    /// What is due in the queue, without those whose group has to rest.
    private func due() -> Mail? {
        let position = queue.firstIndex { mail in
            mail.due <= world.now && mail.recipients.allSatisfy { isUsable(world.group(of: $0)) }
        }
        guard let position else { return nil }
        world.counts.deliveries.repeated += 1
        return queue.remove(at: position)
    }

    private func newMail() -> Mail? {
        guard queue.count < Self.queuedMails else { return nil }
        var recipients: [AccountAddress] = []
        for _ in 0...random.below(Self.recipients) {
            guard let group = random.pick(Array(world.groups.dropFirst())), isUsable(group) else { continue }
            let address: AccountAddress?
            switch random.below(8) {
            case 0: address = world.address("nobody", in: group)
            case 1: address = fullAccount(group)
            // Some of them are suspended, some full, some not there.
            default: address = random.pick(world.clients.filter { $0.group == group })?.address
            }
            if let address, !recipients.contains(address) { recipients.append(address) }
        }
        guard !recipients.isEmpty else { return nil }
        return Mail(number: world.checker.mail.begin(for: recipients), recipients: recipients)
    }

    // MARK: A transaction

    private func deliver(_ next: Mail) {
        var lines = ""
        if session == nil {
            let service = SimMailService(world.nodes[node], random: random.fork(), world: world)
            guard let opened = SimLMTPSession(service, in: world) else { return }
            service.answered = { [unowned self] in hear() }
            session = opened
            step = .greeting
            lines = "LHLO mx.example.net\r\n"
        } else {
            step = .mail
        }
        mail = next
        mail?.attempts += 1
        begun = world.now
        accepted = []
        codes = Array(repeating: nil, count: next.recipients.count)
        known = next.recipients.map(account)
        session?.begin(next.number)
        lines += "MAIL FROM:<\(SimMail.sender)>\r\n"
        for recipient in next.recipients { lines += "RCPT TO:<\(recipient.text)>\r\n" }
        world.trace.mix(at: world.now, kind: .call, node: node, UInt64(number), next.number)
        session?.send(ByteBuffer(string: lines + "DATA\r\n"))
        hear()
    }

    private func account(_ address: AccountAddress) -> AccountID? {
        world.checker.model(world.group(of: address)).accounts.first { $0.value.address == address }?.key
    }

    /// Takes in what the gateway has said.
    private func hear() {
        while let code = session?.nextReply() { take(code) }
    }

    private func take(_ code: Int) {
        guard let mail else { return world.fail("nothing is answered that was not asked", "MTA \(number): \(code)") }
        switch step {
        case .greeting: step = .hello
        case .hello: step = .mail
        case .mail: step = .recipient(0)
        case .recipient(let position):
            if code == 250 { accepted.append(position) } else { codes[position] = code }
            step = position + 1 < mail.recipients.count ? .recipient(position + 1) : .data
        case .data:
            guard code == 354 else { return finish() }
            step = .answer(0)
            session?.send(SimMail.wire(mail.number))
        case .answer(let position):
            codes[accepted[position]] = code
            step = .answer(position + 1)
            if position + 1 == accepted.count { finish() }
        }
    }

    /// Everybody is answered: each is judged by their own answer.
    private func finish() {
        guard var mail, let session else { return }
        self.mail = nil
        if accepted.isEmpty { session.reset() }
        var open: [AccountAddress] = []
        for (position, (recipient, code)) in zip(mail.recipients, codes).enumerated() {
            guard let code else { return world.fail("every recipient is answered", "MTA \(number): \(recipient)") }
            world.trace.mix(at: world.now, kind: .answer, node: node, UInt64(number), UInt64(code))
            world.checker.recipientAnswered(
                code,
                transaction: mail.number,
                recipient: recipient,
                bodies: session.bodies(of: recipient),
                in: world
            )
            if code == 550, let id = known[position], account(recipient) == id, !mayErr(about: recipient) {
                return world.fail("who is there is not refused as unknown", "MTA \(number): \(recipient)")
            }
            switch code {
            case 250: world.counts.deliveries.recipientsAccepted += 1
            case 500...: world.counts.deliveries.recipientsRefused += 1
            default: open.append(recipient)
            }
        }
        world.counts.deliveries.recipientsLeftOpen += open.count
        if open.isEmpty { succeededAt = begun }
        mail.recipients = open
        keep(mail)
    }

    /// The node has silently lost something of the group.
    private func mayErr(about recipient: AccountAddress) -> Bool {
        world.silentHarm.mayDiffer(world.nodes[node], in: world.group(of: recipient))
    }

    /// Recipients without a final answer get none any more.
    private func lose() {
        hangUp()
        guard var mail else { return }
        self.mail = nil
        mail.recipients = zip(mail.recipients, codes).filter { $1 == nil || (400..<500).contains($1 ?? 0) }.map(\.0)
        world.counts.deliveries.recipientsLeftOpen += mail.recipients.count
        keep(mail)
    }

    private func keep(_ mail: Mail) {
        guard !mail.recipients.isEmpty, mail.attempts < Self.attempts else { return }
        var mail = mail
        mail.due = world.now + random.time(20_000...5_000_000)
        queue.append(mail)
        // The next try goes through another node.
        hangUp()
    }
}
