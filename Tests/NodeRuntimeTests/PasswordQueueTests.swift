import Testing

@testable import Authentication
@testable import NodeRuntime

/// Who waits for a password check, and who comes next.
@Suite struct PasswordQueueTests {
    private func admission(_ admission: PasswordQueue<String, String>.Admission) -> String {
        switch admission {
        case .waits: "waits"
        case .refused: "refused"
        case .displaced(let check): "displaced \(check)"
        }
    }

    private func drain(_ queue: inout PasswordQueue<String, String>) -> [String] {
        var checks: [String] = []
        while let check = queue.next() { checks.append(check) }
        return checks
    }

    @Test func `addresses take turns`() {
        var queue = PasswordQueue<String, String>(maximum: 10)
        for check in ["a1", "a2", "a3", "b1", "c1", "c2"] {
            #expect(admission(queue.add(check, of: check, from: String(check.prefix(1)))) == "waits")
        }
        #expect(queue.count == 6)
        #expect(drain(&queue) == ["a1", "b1", "c1", "a2", "c2", "a3"])
        #expect(queue.count == 0)
    }

    @Test func `who comes with few takes the place of who has many`() {
        var queue = PasswordQueue<String, String>(maximum: 4)
        for check in ["a1", "a2", "a3", "a4"] { _ = queue.add(check, of: check, from: "a") }
        #expect(admission(queue.add("a5", of: "a5", from: "a")) == "refused")
        #expect(admission(queue.add("b1", of: "b1", from: "b")) == "displaced a4")
        #expect(admission(queue.add("b2", of: "b2", from: "b")) == "displaced a3")
        // Two and two: nobody has more than another.
        #expect(admission(queue.add("b3", of: "b3", from: "b")) == "refused")
        #expect(admission(queue.add("a5", of: "a5", from: "a")) == "refused")
        #expect(admission(queue.add("c1", of: "c1", from: "c")).hasPrefix("displaced"))
        #expect(queue.count == 4)
        #expect(drain(&queue).count == 4)
    }

    @Test func `checks of one account have few places, from whatever addresses`() {
        var queue = PasswordQueue<String, String>(maximum: 100)
        for number in 0..<PasswordQueue<String, String>.maximumOfAccount {
            #expect(admission(queue.add("\(number)", of: "anna", from: "\(number)")) == "waits")
        }
        #expect(admission(queue.add("more", of: "anna", from: "new")) == "refused")
        #expect(admission(queue.add("other", of: "berta", from: "1")) == "waits")
        #expect(queue.next() == "0")
        #expect(admission(queue.add("again", of: "anna", from: "new")) == "waits")
    }

    @Test func `who guesses a user's password does not keep the user out`() {
        var queue = PasswordQueue<String, String>(maximum: 100)
        for number in 0..<PasswordQueue<String, String>.maximumOfAccount {
            #expect(admission(queue.add("guess \(number)", of: "anna", from: "guesser")) == "waits")
        }
        #expect(admission(queue.add("guess", of: "anna", from: "guesser")) == "refused")
        #expect(admission(queue.add("right", of: "anna", from: "anna's phone")) == "displaced guess 7")
        #expect(queue.count == PasswordQueue<String, String>.maximumOfAccount)
        #expect(queue.next() == "guess 0")
        #expect(queue.next() == "right")
    }

    @Test func `nothing waits where nothing may`() {
        var queue = PasswordQueue<String, String>(maximum: 0)
        #expect(admission(queue.add("a", of: "a", from: "a")) == "refused")
        #expect(queue.next() == nil)
    }

    @Test func `what was right is forgotten after its life, and beyond the limit`() {
        let key = PasswordTag.Key()
        func tag(_ number: Int) -> PasswordTag { key.tag(of: [UInt8(number)], for: [1]) }
        var verified = VerifiedPasswords(lifeMilliseconds: 1_000, maximum: 10)
        func isKnown(_ tag: PasswordTag, _ nowMilliseconds: Int64) -> Bool { verified.use(tag, nowMilliseconds) }
        verified.keep(tag(1), 0)
        #expect(isKnown(tag(1), 400) == true)
        #expect(isKnown(tag(2), 400) == false)
        #expect(isKnown(tag(1), 850) == true)
        #expect(isKnown(tag(1), 1_800) == true)
        #expect(isKnown(tag(1), 2_900) == false)
        for number in 0..<100 { verified.keep(tag(number), 3_300) }
        #expect(verified.count <= 10)
        #expect(isKnown(tag(99), 3_300) == true)
        #expect(isKnown(tag(1), 3_300) == false)
    }

    @Test func `a tag is of one password, one credential and one key`() {
        let key = PasswordTag.Key()
        #expect(key.tag(of: [1, 2], for: [3]) == key.tag(of: [1, 2], for: [3]))
        #expect(key.tag(of: [1, 2], for: [3]) != key.tag(of: [2], for: [3, 1]))
        #expect(key.tag(of: [1, 2], for: [3]) != key.tag(of: [1, 2], for: [4]))
        #expect(key.tag(of: [1, 2], for: [3]) != PasswordTag.Key().tag(of: [1, 2], for: [3]))
        #expect("\(key) \(key.tag(of: [1], for: [2]))" == "<key of password tags> <password tag>")
    }
}
