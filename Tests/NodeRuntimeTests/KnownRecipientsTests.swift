import MailModel
import Testing

@testable import NodeRuntime

@Suite struct KnownRecipientsTests {
    private let recipients = KnownRecipients()

    private func address(_ number: Int) throws -> AccountAddress {
        try #require(AccountAddress("user\(number)@example.org"))
    }

    @Test func `an address is known for a while`() throws {
        #expect(recipients.account(of: try address(1), 0) == nil)
        recipients.note(AccountID(7), of: try address(1), 1_000)
        #expect(recipients.account(of: try address(1), 60_999) == AccountID(7))
        #expect(recipients.account(of: try address(1), 61_000) == nil)
        #expect(recipients.account(of: try address(2), 1_000) == nil)
    }

    @Test func `an account that is gone is forgotten, and others are not`() throws {
        for number in 1...3 { recipients.note(AccountID(UInt64(number % 2)), of: try address(number), 0) }
        recipients.forget(AccountID(1))
        #expect(recipients.account(of: try address(1), 0) == nil)
        #expect(recipients.account(of: try address(2), 0) == AccountID(0))
        #expect(recipients.account(of: try address(3), 0) == nil)
    }

    @Test func `there is a limit, and those that were found last stay`() throws {
        let count = 2 * KnownRecipients.maximumCount
        for number in 0..<count { recipients.note(AccountID(UInt64(number)), of: try address(number), 0) }
        let known = try (0..<count).filter { recipients.account(of: try address($0), 0) != nil }
        #expect(known.count <= KnownRecipients.maximumCount && known.count >= KnownRecipients.maximumCount / 2)
        #expect(known.last == count - 1 && known.first == count - known.count)
    }
}
