import Consensus
import MailModel
import MailStore
import NIOCore
import StateStorage
import Testing

@Suite struct CountersTests {
    /// Counters of mailboxes and accounts are sums of what is there.
    @Test(arguments: 100...120 as ClosedRange<UInt64>)
    func `counters equal what is there`(seed: UInt64) throws {
        let group = GroupID(1)
        var commands = RandomCommands(seed: seed)
        let store = MemoryStateStore()
        let applier = MailApplier(store: store)
        try applier.open(group)
        for index in 1...500 as ClosedRange<UInt64> {
            _ = try applier.apply(group: group, index: LogIndex(index), term: Term(1), payload: commands.next())
        }
        try applier.commit()
        let reader = MailReader(store: store)
        for account in RandomCommands.accounts {
            guard case .account(let record) = try reader.answer(.account, of: account, in: group),
                case .mailboxes(let mailboxes) = try reader.answer(.mailboxes, of: account, in: group)
            else { continue }
            #expect(mailboxes.count(where: \.selectable) == Int(record.mailboxCount))
            #expect(mailboxes.count(where: \.subscribed) == Int(record.subscriptionCount))
            var bytes: UInt64 = 0
            var messages: UInt64 = 0
            for mailbox in mailboxes {
                guard
                    case .messages(_, let states) = try reader.answer(
                        .messages(mailbox.id, fromUID: UID(1), limit: .max),
                        of: account,
                        in: group
                    )
                else { continue }
                let all = UIDSet(ranges: [1...UInt32.max])
                guard case .details(let details) = try reader.answer(.details(mailbox.id, all), of: account, in: group)
                else { continue }
                #expect(details.map(\.uid) == states.map(\.uid))
                #expect(states.count == Int(mailbox.messages))
                #expect(states.count { !$0.flags.system.contains(.seen) } == Int(mailbox.unseen))
                #expect(states.count { $0.flags.system.contains(.deleted) } == Int(mailbox.deleted))
                #expect(states.allSatisfy { $0.uid < mailbox.uidNext && $0.modSeq <= mailbox.highestModSeq })
                let size = details.reduce(0) { $0 + $1.sizeBytes }
                #expect(size == mailbox.sizeBytes)
                bytes += size
                messages += UInt64(states.count)
                for detail in details {
                    let body = try reader.answer(
                        .body(detail.bodyID, offset: 0, maximumBytes: 1 << 20),
                        of: account,
                        in: group
                    )
                    guard case .body(let buffer) = body else {
                        Issue.record("a message without its body")
                        continue
                    }
                    #expect(UInt64(buffer.readableBytes) == detail.sizeBytes)
                }
            }
            #expect(bytes == record.usedBytes)
            #expect(messages == record.usedMessages)
        }
    }
}
