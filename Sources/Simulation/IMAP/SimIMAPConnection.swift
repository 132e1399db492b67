internal import IMAPGateway
internal import MailModel
internal import NIOCore

/// A connection to the IMAP gateway of a simulated node.
final class SimIMAPConnection {
    let service: SimMailService
    private let channel: SimChannel
    private var replies = IMAPReplies()
    private var nextTag = 1

    /// - Throws: what the handler says to its channel.
    init(_ service: SimMailService, in world: World) throws {
        self.service = service
        var settings = world.imapSettings
        settings.sharedRows = service.sharedRows
        let handler = IMAPServer.makeSession(settings: settings, service: service)
        channel = try SimChannel(handler, port: 143, at: world.now)
    }

    /// Whether the gateway has not hung up.
    var isActive: Bool { channel.isActive }

    func makeTag() -> String {
        defer { nextTag += 1 }
        return "A\(nextTag)"
    }

    /// Lets timers fire that are due.
    func advance(to now: Int64) { channel.advance(to: now) }

    /// - Parameter literal: goes behind the text, with the end of a line.
    func send(_ text: String, _ literal: ByteBuffer? = nil) {
        var bytes = ByteBuffer(string: text)
        if let literal {
            bytes.writeImmutableBuffer(literal)
            bytes.writeString("\r\n")
        }
        channel.send(bytes)
    }

    /// The words of the gateway's next response; nil while there is none.
    func nextReply() -> [IMAPWord]? {
        replies.append(channel.received())
        return replies.next()
    }

    /// Hangs up.
    func end() {
        service.end()
        channel.end()
    }
}
