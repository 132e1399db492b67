import GatewaySupport
import NIOCore
import Testing

/// Holds what one connection counts for, as a channel handler does.
private final class Connection {
    private var counted: CountedAddress

    init(_ limit: AddressLimit) { counted = CountedAddress(limit) }

    func enter(_ address: String?) -> Bool { counted.enter(address) }

    func leave() { counted.leave() }
}

@Suite struct AddressLimitTests {
    @Test func anAddressHasSoMany() {
        let limit = AddressLimit(sessionsPerAddress: 2)
        let connections = (0..<4).map { _ in Connection(limit) }
        #expect(connections[0].enter("192.0.2.1"))
        #expect(connections[1].enter("::ffff:192.0.2.1"))
        #expect(!connections[2].enter("192.0.2.1"))
        #expect(connections[3].enter("192.0.2.2"))
        #expect(limit.addressCount == 2)
    }

    /// A connection that was turned away has no place to give back, and one that was let in has one.
    @Test func aConnectionIsCountedOutOnce() {
        let limit = AddressLimit(sessionsPerAddress: 1)
        let first = Connection(limit)
        let second = Connection(limit)
        #expect(first.enter("2001:db8::1"))
        #expect(!second.enter("2001:db8::2"))
        second.leave()
        #expect(limit.addressCount == 1)
        first.leave()
        #expect(second.enter("2001:db8::2"))
        first.leave()
        #expect(limit.addressCount == 1)
    }

    @Test(arguments: [nil, "", "127.0.0.9", "::1"])
    func whatIsNotCounted(_ address: String?) {
        let limit = AddressLimit(sessionsPerAddress: 1)
        for _ in 0..<3 { #expect(Connection(limit).enter(address)) }
        #expect(limit.addressCount == 0)
    }

    @Test func zeroIsNoLimit() {
        let limit = AddressLimit(sessionsPerAddress: 0)
        for _ in 0..<1_000 { #expect(Connection(limit).enter("192.0.2.1")) }
    }

    @Test func theLogHearsOfItOnceAMinute() {
        let log = LimitLog()
        let start = NIODeadline.now()
        #expect(log.mayTell(at: start))
        #expect(!log.mayTell(at: start + .seconds(59)))
        #expect(log.mayTell(at: start + .seconds(60)))
    }
}
