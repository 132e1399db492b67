import Consensus
import MailModel
import Testing

@testable import MailStore

/// How many accounts a group has, and how much mail.
@Suite struct CensusTests {
    @Test func accountsAndTheirMailAreCounted() throws {
        let replica = try CountedReplica()
        try replica.append(3, to: .inbox)
        replica.account = try replica.createAccount("berta@example.org")
        try replica.append(2, to: .inbox)
        try replica.apply(.setAccountState(.suspended))
        let census = try replica.reader.census(of: replica.group, since: nil)
        #expect(census.accounts == 2)
        #expect(census.bytes == 50)
        #expect(try census.index == replica.reader.appliedIndex(replica.group))
        try replica.apply(.deleteAccount)
        let less = try replica.reader.census(of: replica.group, since: census)
        #expect(less.accounts == 1 && less.bytes == 30)
        #expect(less.index > census.index)
    }

    @Test func nothingIsReadAgainWhereNothingWasApplied() throws {
        let replica = try CountedReplica()
        // What no count has found, so it is seen whether there was another one.
        let index = try replica.reader.appliedIndex(replica.group)
        let known = GroupCensus(index: index, accounts: 99, bytes: 7)
        #expect(try replica.reader.census(of: replica.group, since: known) == known)
        try replica.apply(.setQuota(bytes: 5))
        #expect(try replica.reader.census(of: replica.group, since: known).accounts == 1)
    }

    @Test func aGroupThatIsNotThereHasNobody() throws {
        let replica = try CountedReplica()
        let census = try replica.reader.census(of: GroupID(9), since: nil)
        #expect(census.accounts == 0 && census.bytes == 0 && census.index == .zero)
    }
}
