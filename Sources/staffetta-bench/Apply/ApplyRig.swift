internal import Consensus
internal import Glibc
internal import MailModel
internal import MailStore
internal import NIOCore
internal import StateStorage

/// The applier of a node alone, over a database of its own: entries go in one by one, and each is written by itself.
final class ApplyRig {
    private let group: GroupID
    private let only: String
    private let reader: MailReader
    private let path: String
    private let statePath: String
    private let store: CountingStateStore
    private let applier: MailApplier
    private var index: UInt64 = 0
    private var bodies: UInt64 = 0
    /// Requests below are settled; nil: each settles all before it, as those of an idle session do.
    var settledBelow: UInt64?
    /// What entries are stamped with.
    var time = Timestamp(milliseconds: 1_700_000_000_000)

    /// - Parameter only: measures nothing but what has this in its name.
    init(in directory: String, group: GroupID = GroupID(1), only: String) throws {
        var template = Array("\(directory)/staffetta-apply-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchError("no directory can be made in \(directory)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        statePath = path + "/state"
        self.group = group
        self.only = only
        store = CountingStateStore(
            over: try RocksStateStore(path: statePath, settings: .ofMail),
            counting: false
        )
        applier = MailApplier(store: store)
        reader = MailReader(store: store)
        try applier.open(group)
    }

    func close() throws {
        try applier.commit()
        store.close()
        for directory in [statePath, path] {
            guard let listing = opendir(directory) else { continue }
            while let entry = readdir(listing) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                unlink("\(directory)/\(name)")
            }
            closedir(listing)
            guard rmdir(directory) == 0 else { throw BenchError("\(directory) cannot be removed") }
        }
    }

    // MARK: Entries that are not measured

    /// - Throws: ``BenchError`` when it is refused.
    @discardableResult
    func apply(_ command: MailCommand, of account: AccountID) throws -> MailOutcome {
        let outcome = try carryOut(entry(command, account))
        if case .refused(let refusal) = outcome { throw BenchError("\(refusal): \(command)".prefix(200).description) }
        return outcome
    }

    private func entry(_ command: MailCommand, _ account: AccountID) -> ByteBuffer {
        index += 1
        return CommandEnvelope(
            request: RequestID(session: command.isHousekeeping ? 0 : 1, sequence: index),
            settledBelow: settledBelow ?? index,
            timestamp: time,
            account: account,
            command: command
        ).encoded()
    }

    private func carryOut(_ payload: ByteBuffer) throws -> MailOutcome {
        try applier.apply(group: group, index: LogIndex(index), term: Term(1), payload: payload).1
    }

    func createAccount(_ local: String, mailboxes: [DefaultMailbox] = []) throws -> AccountID {
        guard let address = AccountAddress("\(local)@example.org") else { throw BenchError("no address: \(local)") }
        let create = MailCommand.createAccount(
            address: address,
            credential: nil,
            quotaBytes: 0,
            mailboxes: mailboxes
        )
        guard case .accountCreated(let id) = try apply(create, of: AccountID(0)) else {
            throw BenchError("the account \(local) was not created")
        }
        return id
    }

    /// A message with a body of its own.
    func message(
        summaryBytes: Int = 300,
        _ flags: FlagNames = FlagNames(),
        sizeBytes: Int = 100,
        uploaded: BodyID? = nil
    ) -> NewMessage {
        NewMessage(
            bodyID: uploaded ?? bodyID(),
            internalDate: InternalDate(seconds: time.rawValue / 1_000, zoneMinutes: 0),
            flags: flags,
            sizeBytes: UInt64(sizeBytes),
            summary: ByteBuffer(repeating: 0x61, count: summaryBytes),
            body: uploaded == nil
                ? .inline(ByteBuffer(repeating: 0x62, count: sizeBytes))
                : .uploaded(chunks: UInt32(chunks(sizeBytes)))
        )
    }

    /// A name in no order, as those of messages from many nodes are.
    func bodyID() -> BodyID {
        bodies += 1
        let mixed = bodies &* 0x9e37_79b9_7f4a_7c15
        return BodyID(milliseconds: time.rawValue, random: mixed >> 48, mixed)
    }

    private func chunks(_ sizeBytes: Int) -> Int {
        (sizeBytes + MailLimits.bodyChunkBytes - 1) / MailLimits.bodyChunkBytes
    }

    /// Puts the chunks of a body ahead of its message.
    func upload(_ sizeBytes: Int, of account: AccountID) throws -> BodyID {
        let body = bodyID()
        for index in 0..<chunks(sizeBytes) {
            let length = min(MailLimits.bodyChunkBytes, sizeBytes - index * MailLimits.bodyChunkBytes)
            let bytes = ByteBuffer(repeating: 0x63, count: length)
            try apply(.uploadChunk(body, index: UInt32(index), bytes: bytes), of: account)
        }
        return body
    }

    func append(_ count: Int, to name: MailboxName, of account: AccountID, summaryBytes: Int = 300) throws {
        for _ in 0..<count {
            try apply(.append(message(summaryBytes: summaryBytes), to: name), of: account)
        }
    }

    func mailbox(_ name: MailboxName, of account: AccountID) throws -> MailboxRecord {
        try applier.commit()
        guard case .mailbox(let record) = try reader.answer(.mailbox(name), of: account, in: group) else {
            throw BenchError("there is no mailbox \(name)")
        }
        return record
    }

    /// Lets everything get to where it stays for a while: files, not memory.
    func settle() throws {
        try applier.commit()
        try store.flush()
        var size = store.approximateSize
        while true {
            usleep(Self.settleMicroseconds)
            let now = store.approximateSize
            if now == size { return }
            size = now
        }
    }

    private static let settleMicroseconds: UInt32 = 500_000

    // MARK: Entries that are measured

    /// Applies and writes entries one by one, and prints what that took; the rows are those of the first.
    ///
    /// - Parameters:
    ///   - refusal: what all of them are refused with; nil: none is.
    ///   - command: the n-th entry, which is encoded before the time begins.
    func measure(
        _ name: String,
        _ count: Int,
        refusal: Refusal? = nil,
        _ command: (_ number: Int) throws -> (account: AccountID, command: MailCommand)?
    ) throws {
        let isWanted = only.isEmpty || name.contains(only)
        var times: [EntryTime] = []
        var touched = CountingStateStore.Touched()
        for number in 0..<count {
            guard let (account, command) = try command(number) else { break }
            try applier.commit()
            let payload = entry(command, account)
            store.isCounting = isWanted && number == 0
            let (outcome, time) = try isWanted ? measured(payload) : (carryOut(payload), nil)
            if store.isCounting {
                store.isCounting = false
                touched = store.takeTouched()
            } else if let time {
                times.append(time)
            }
            var given: Refusal?
            if case .refused(let reason) = outcome { given = reason }
            guard given == refusal else { throw BenchError("\(name): the entry was answered \(outcome)") }
        }
        if isWanted { ApplyTable.printLine(name, touched: touched, times: times) }
    }

    /// Has the leader's housekeeping propose one kind of entry until nothing of it is due.
    func measureHousekeeping(
        _ name: String,
        atMost count: Int = 5_000,
        _ isWanted: (MailCommand) -> Bool
    ) throws {
        try measure(name, count) { _ in
            try reader.housekeepingDue(in: group, HousekeepingTimes(now: time)).commands.first { isWanted($0.command) }
        }
    }

    /// A function of its own, so that a profile can tell these entries from those that prepare them.
    @inline(never)
    private func measured(_ payload: ByteBuffer) throws -> (MailOutcome, EntryTime?) {
        let begun = EntryTime.now()
        let outcome = try carryOut(payload)
        try applier.commit()
        let ended = EntryTime.now()
        return (outcome, EntryTime(wall: ended.wall - begun.wall, cpu: ended.cpu - begun.cpu))
    }
}

extension MailCommand {
    /// Whether the group's leader proposes it by itself, and keeps no answer.
    fileprivate var isHousekeeping: Bool {
        switch self {
        case .purgeExpunged, .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant: true
        case .createAccount, .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox,
            .deleteMailbox, .renameMailbox, .setSubscribed, .deliver, .append, .storeFlags, .expunge, .remove, .copy,
            .move, .uploadChunk, .directory:
            false
        }
    }
}

/// Milliseconds that passed, and those in which this thread had a processor: what others on the machine take, or the
/// disk, is in the first alone.
struct EntryTime {
    let wall: Double
    let cpu: Double

    static func now() -> EntryTime {
        EntryTime(wall: milliseconds(CLOCK_MONOTONIC), cpu: milliseconds(CLOCK_THREAD_CPUTIME_ID))
    }

    private static func milliseconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }
}

/// What is printed.
enum ApplyTable {
    private static let nameWidth = 56

    static func printHead() {
        let columns = "entries   rows      KiB  median     p99     max   CPU: p99     max"
        print("\(left("apply and write of one entry, ms", nameWidth)) \(columns)")
    }

    static func printLine(_ name: String, touched: CountingStateStore.Touched, times: [EntryTime]) {
        let wall = times.map(\.wall).sorted()
        let cpu = times.map(\.cpu).sorted()
        print(
            left(name, nameWidth) + right("\(times.count)", 8) + right("\(touched.rows)", 7)
                + right("\(touched.bytes / 1_024)", 9) + share(0.5, of: wall) + share(0.99, of: wall)
                + share(1, of: wall) + "   " + share(0.99, of: cpu) + share(1, of: cpu)
        )
    }

    private static func share(_ share: Double, of sorted: [Double]) -> String {
        guard !sorted.isEmpty else { return right("-", 8) }
        return right(decimal(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]), 8)
    }

    private static func decimal(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
