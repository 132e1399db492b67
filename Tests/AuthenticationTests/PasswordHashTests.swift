import Authentication
import Testing

@Suite struct PasswordHashTests {
    private let cheap = PasswordHash.Cost(logN: 10, r: 8, p: 1)

    @Test func `a password verifies against its own hash only`() throws {
        let hash = try #require(PasswordHash(hashing: Array("secret".utf8), cost: cheap))
        #expect(hash.verify(Array("secret".utf8)))
        #expect(!hash.verify(Array("Secret".utf8)))
        #expect(!hash.verify([]))
    }

    @Test func `the text form keeps the hash`() throws {
        let hash = try #require(PasswordHash(hashing: Array("secret".utf8), cost: cheap))
        let again = try #require(PasswordHash(encoded: hash.encoded))
        #expect(again.verify(Array("secret".utf8)))
        #expect(String(decoding: hash.encoded, as: UTF8.self).hasPrefix("$scrypt$ln=10,r=8,p=1$"))
    }

    @Test func `two hashes of one password differ`() throws {
        let a = try #require(PasswordHash(hashing: Array("secret".utf8), cost: cheap))
        let b = try #require(PasswordHash(hashing: Array("secret".utf8), cost: cheap))
        #expect(a.encoded != b.encoded)
    }

    @Test(arguments: ["", "$scrypt$", "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAA$AAAA", "plain", "$scrypt$ln=14,r=8$a$b"])
    func `garbage is no hash`(text: String) { #expect(PasswordHash(encoded: Array(text.utf8)) == nil) }

    /// Two texts for one hash: only the one that a hash is written as counts. Of 22 letters for 16 bytes of salt, the
    /// last has four bits too many; 43 letters for 32 bytes of hash have two.
    @Test func `stray bits and letters are no hash`() throws {
        let hash = try #require(PasswordHash(hashing: Array("secret".utf8), cost: cheap)).encoded
        let parts = hash.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        try #require(parts.count == 5 && parts[3].count == 22 && parts[4].count == 43)
        for position in [3, 4] {
            for part in [parts[position].dropLast() + Array("/".utf8), parts[position] + Array("AAA".utf8)] {
                var changed = parts
                changed[position] = part[...]
                #expect(PasswordHash(encoded: Array(changed.joined(separator: [UInt8(ascii: "$")]))) == nil)
            }
        }
        #expect(PasswordHash(encoded: Array(parts.joined(separator: [UInt8(ascii: "$")]))) != nil)
    }

    @Test func `the decoy is never right`() {
        #expect(!PasswordHash.decoy.verify(Array("x".utf8)))
    }

    @Test func `a hash never prints itself`() throws {
        let hash = try #require(PasswordHash(hashing: Array("secret".utf8), cost: cheap))
        #expect("\(hash)" == "<password hash>")
    }
}
