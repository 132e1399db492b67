import Consensus
import MailModel
import Testing

@Suite struct AccountAddressTests {
    @Test(arguments: [
        ("Anna@Example.ORG", "anna@example.org"), ("a@b", "a@b"), ("\"a@b\"@c", "\"a@b\"@c"), ("ä@ö", "ä@ö"),
        ("Ä@EXAMPLE.org", "ä@example.org"), ("a+tag@b", "a+tag@b"),
    ])
    func good(_ typed: String, _ text: String) { #expect(AccountAddress(typed)?.text == text) }

    @Test(arguments: ["", "@", "a@", "@b", "anna", "a b@c", "a@b\r\n", "a\u{0}@b", "a@b\u{7f}", "<a@b>", "a@b>"])
    func bad(_ typed: String) { #expect(AccountAddress(typed) == nil) }

    @Test(arguments: [
        ("User@Example.org", "user@example.org"), (#""user18"@example.org"#, "user18@example.org"),
        (#""\u\s\e\r"@example.org"#, "user@example.org"), (#""a\"b"@example.org"#, #"a"b@example.org"#),
        (#""user@example.org"#, nil), (#""us"er@example.org"#, nil), (#""a b"@example.org"#, nil),
    ])
    func path(_ path: String, _ text: String?) { #expect(AccountAddress(path: path)?.text == text) }

    @Test func limits() {
        func address(_ local: Int, _ domain: Int) -> AccountAddress? {
            AccountAddress(String(repeating: "l", count: local) + "@" + String(repeating: "d", count: domain))
        }
        #expect(address(64, 255) != nil)
        #expect(address(65, 255) == nil)
        #expect(address(64, 256) == nil)
    }

    /// Where an account lives follows from these values: they never change.
    @Test(arguments: [
        ("user1@example.org", 12354), ("user2@example.org", 9616), ("user10@example.org", 73),
        ("anna@example.org", 15287), ("a@b", 6522), ("postmaster@mail.example", 8855), ("müller@example.org", 15891),
    ])
    func slots(_ text: String, _ slot: UInt16) {
        #expect(AccountAddress(text)?.slot.rawValue == slot)
        #expect(AccountAddress(text.uppercased())?.slot.rawValue == slot)
    }

    @Test func slotsAreWithinTheirCountAndSpread() {
        var counts: [UInt16: Int] = [:]
        for number in 0..<50_000 { counts[Slot(hashing: "user\(number)@example.org".utf8).rawValue, default: 0] += 1 }
        #expect(counts.keys.allSatisfy { Int($0) < Slot.count })
        #expect(counts.count > 15_000)
        #expect((counts.values.max() ?? 0) < 20)
    }

    @Test func stableHash() {
        #expect(StableHash().finish() == 0xf52a_15e9_a9b5_e89b)
        var hash = StableHash()
        hash.combine("staffetta".utf8)
        hash.combine(0x0102_0304_0506_0708 as UInt64)
        #expect(hash.finish() == 0xeaa1_eeed_01dc_ccc1)
    }
}

@Suite struct MailboxNameTests {
    @Test(arguments: [
        ("inbox", "INBOX"), ("InBoX", "INBOX"), ("inbox/a", "INBOX/a"), ("inboxes", "inboxes"), ("a/inbox", "a/inbox"),
        ("Inbo", "Inbo"), ("日本/a b", "日本/a b"), (" ", " "),
    ])
    func good(_ typed: String, _ text: String) throws { #expect(try MailboxName(typed).text == text) }

    @Test(arguments: [
        ("", MailboxName.Problem.empty), ("/", .emptyLevel), ("/a", .emptyLevel), ("a/", .emptyLevel),
        ("a//b", .emptyLevel), ("a\u{1}", .controlCharacter), ("a\r\nb", .controlCharacter),
        ("\u{7f}", .controlCharacter), (String(repeating: "a", count: 1_001), .tooLong),
        (String(repeating: "ü", count: 501), .tooLong),
        (Array(repeating: "a", count: 33).joined(separator: "/"), .tooDeep),
    ])
    func bad(_ typed: String, _ problem: MailboxName.Problem) {
        #expect(throws: problem) { try MailboxName(typed) }
    }

    @Test func largest() throws {
        #expect(try MailboxName(String(repeating: "a", count: 1_000)).text.count == 1_000)
        #expect(try MailboxName(Array(repeating: "a", count: 32).joined(separator: "/")).ancestors.count == 31)
    }

    @Test func inbox() {
        #expect(name("inbox") == .inbox)
        #expect(name("inbox").isInbox)
        #expect(!name("inbox/a").isInbox)
        #expect(name("iNbOx/a").isDescendant(of: .inbox))
    }

    @Test func ancestorsNearestLast() {
        #expect(name("a").ancestors == [])
        #expect(name("a/b/c").ancestors == [name("a"), name("a/b")])
        #expect(name("inbox/b").ancestors == [.inbox])
    }

    /// The separator is a byte, also where a combining mark makes one character of it and what follows.
    @Test func ancestorsAreTheNamesItDescendsFrom() {
        let odd = name("a/\u{301}b/c")
        #expect(odd.ancestors.map { Array($0.text.utf8) } == ["a", "a/\u{301}b"].map { Array($0.utf8) })
        for ancestor in odd.ancestors { #expect(odd.isDescendant(of: ancestor)) }
    }

    /// Keys are bytes: what are two rows must be two names, although Swift takes the texts for one.
    @Test func spellingsOfALetterAreNamesOfTheirOwn() throws {
        let composed = name("Caff\u{e8}")
        let decomposed = name("Caffe\u{300}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
        #expect((composed < decomposed) != (decomposed < composed))
        let addresses = ["caff\u{e8}@example.org", "caffe\u{300}@example.org"].compactMap { AccountAddress($0) }
        #expect(addresses.count == 2 && addresses[0] != addresses[1])
    }

    @Test func descendants() {
        #expect(name("a/b").isDescendant(of: name("a")))
        #expect(!name("a").isDescendant(of: name("a")))
        #expect(!name("ab").isDescendant(of: name("a")))
        #expect(!name("a").isDescendant(of: name("a/b")))
    }

    @Test func replacingPrefix() {
        #expect(name("a/b/c").replacingPrefix(name("a"), with: name("x/y")) == name("x/y/b/c"))
        #expect(name("a").replacingPrefix(name("a"), with: name("b")) == name("b"))
        #expect(name("a/b").replacingPrefix(name("a"), with: name("inbox")) == name("INBOX/b"))
        let long = name(String(repeating: "x", count: 998))
        #expect(name("a/b").replacingPrefix(name("a"), with: long) == name(long.text + "/b"))
        #expect(name("a/bc").replacingPrefix(name("a"), with: long) == nil)
        let deep = name(Array(repeating: "a", count: 32).joined(separator: "/"))
        #expect(name("a/b").replacingPrefix(name("a"), with: deep) == nil)
    }

    @Test func orderIsThatOfBytes() {
        #expect(
            [name("b"), name("ä"), name("B"), name("a/b"), name("a")].sorted().map(\.text) == [
                "B", "a", "a/b", "b", "ä",
            ]
        )
    }
}

@Suite struct UIDSetTests {
    /// The set is what a plain set of numbers is.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func model(_ seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var model: Set<UInt32> = []
        var ranges: [ClosedRange<UInt32>] = []
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            let low = UInt32.random(in: 1...60, using: &generator)
            let range = low...(low + UInt32.random(in: 0...8, using: &generator))
            ranges.append(range)
            model.formUnion(range)
        }
        let set = UIDSet(ranges: ranges)
        #expect(set.count == model.count)
        #expect(set.isEmpty == model.isEmpty)
        #expect(set.uids.map(\.rawValue) == model.sorted())
        #expect(set == UIDSet(model.map { UID($0) }))
        for uid in 0...80 as ClosedRange<UInt32> { #expect(set.contains(UID(uid)) == model.contains(uid)) }
        for (a, b) in zip(set.ranges, set.ranges.dropFirst()) { #expect(a.upperBound + 1 < b.lowerBound) }
        var scanned = UIDSet()
        for uid in model.sorted() { scanned.append(UID(uid)) }
        #expect(scanned == set)
    }

    @Test func theEnds() {
        let all = UIDSet(ranges: [0...(.max)])
        #expect(all.count == 1 << 32)
        #expect(all.contains(UID(.max)) && all.contains(UID(0)))
        #expect(UIDSet(ranges: [5...(.max), 0...4]) == all)
        #expect(UIDSet(ranges: [(.max)...(.max), 0...(.max)]) == all)
        #expect(!UIDSet().contains(UID(0)))
        #expect(all.split(after: 1 << 32) == (all, UIDSet()))
        #expect(all.split(after: 0) == (UIDSet(), all))
    }

    @Test(arguments: [0, 1, 3, 4, 5, 7, 8, 9])
    func splitting(_ count: Int) {
        let set = UIDSet(ranges: [1...3, 7...7, 9...11, (.max)...(.max)])
        let (first, rest) = set.split(after: count)
        #expect(Array(first.uids) == Array(set.uids.prefix(count)))
        #expect(Array(rest.uids) == Array(set.uids.dropFirst(count)))
    }
}

@Suite struct SecretTests {
    @Test func credentialsAreNeverPrinted() {
        let hash = CredentialHash(bytes: Array("secret".utf8))
        #expect("\(hash)" == "<credential>")
        #expect(String(reflecting: hash) == "<credential>")
        #expect(!"\(MailCommand.setCredential(hash))".contains("115"))
    }
}
