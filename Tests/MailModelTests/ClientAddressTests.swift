import MailModel
import Testing

@Suite struct ClientAddressTests {
    @Test(
        arguments: [
            ("0.0.0.0", 0xffff_0000_0000), ("192.0.2.7", 0xffff_c000_0207), ("::ffff:192.0.2.7", 0xffff_c000_0207),
            ("::ffff:c000:207", 0xffff_c000_0207), ("::", 0), ("::1", 1), ("1::", 1 << 112),
            ("2001:db8::7", 0x2001_0db8 << 96 | 7), ("2001:DB8:0:0:0:0:0:7", 0x2001_0db8 << 96 | 7),
            ("fe80::1%eth0", 0xfe80 << 112 | 1), ("64:ff9b::192.0.2.7", 0x0064_ff9b << 96 | 0xc000_0207),
        ] as [(String, UInt128)]
    )
    func reads(_ text: String, _ bits: UInt128) {
        #expect(ClientAddress(text)?.bits == bits)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.+4", "1..2.3", "a.b.c.d", ":", ":::", "1::2::3",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::12345", "::g", "::+1", "1.2.3.4::", "localhost",
        "::1.2.3", "%", "1:2:3:4:5:6:7:1.2.3.4",
    ])
    func refuses(_ text: String) {
        #expect(ClientAddress(text) == nil)
    }

    @Test func anIPv6ClientIsItsNetwork() {
        let clients = Set(["2001:db8::1", "2001:db8::ffff:1:2", "2001:db8:0:1::1"].map { ClientAddress($0)?.client })
        #expect(clients.count == 2)
        let mapped = Set(["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"].map { ClientAddress($0)?.client })
        #expect(mapped.count == 2)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3/8", "10.9.9.9", true),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false), ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true), ("2001:db8::/32", "2001:db8:9::1", true),
        ("2001:db8::/32", "2001:db9::1", false), ("::1", "::1", true), ("127.0.0.0/8", "::ffff:127.0.0.1", true),
        ("192.0.2.6/31", "192.0.2.7", true), ("192.0.2.6/32", "192.0.2.7", false),
    ])
    func ranges(_ range: String, _ address: String, _ isWithin: Bool) throws {
        let found = try #require(ClientAddress(address))
        #expect(ClientAddressRange(range)?.contains(found) == isWithin)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "::/99999999999999999999", "x",
    ])
    func badRanges(_ text: String) {
        #expect(ClientAddressRange(text) == nil)
    }

    @Test func usesAreCountedUpToTheLimit() {
        var counter = UseCounter<String>(limit: 2)
        let uses = ["a", "a", "a", "b"].map { counter.begin($0) }
        #expect(uses == [true, true, false, true])
        counter.end("a")
        #expect(counter.count(of: "a") == 1)
        let isBack = counter.begin("a")
        #expect(isBack)
        for key in ["a", "a", "b"] { counter.end(key) }
        #expect(counter.keyCount == 0)
        // Counted out once too often: nobody else loses a place.
        counter.end("a")
        let again = ["a", "a", "a"].map { counter.begin($0) }
        #expect(again == [true, true, false])
        var endless = UseCounter<Int>(limit: 0)
        let all = (0..<1_000).map { _ in endless.begin(1) }
        #expect(!all.contains(false))
        #expect(endless.keyCount == 0)
    }
}
