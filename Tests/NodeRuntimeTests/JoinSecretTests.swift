import MailModel
import Testing

@testable import NodeRuntime

@Suite struct JoinSecretTests {
    @Test func theTextComesBack() throws {
        let secret = JoinSecret()
        let read = try #require(JoinSecret(secret.text))
        #expect(read.id == secret.id && read.bytes == secret.bytes && read.hash == secret.hash)
        #expect(read.hash.count == JoinToken.hashBytes && read.hash != secret.bytes)
        #expect(secret.text != JoinSecret().text)
        #expect(!"\(secret)".contains(secret.text.suffix(64)), "it does not get into a log by itself")
    }

    @Test func otherTextIsNoToken() {
        let text = JoinSecret().text
        let others = [
            "", ".", String(text.dropLast()), text + "0", String(text.dropFirst()), text.replacing(".", with: "-"),
            String(text.dropLast()) + "x", "+" + text.dropFirst(), text + ".",
        ]
        for other in others { #expect(JoinSecret(other) == nil) }
    }
}
