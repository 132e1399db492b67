internal import LMTPGateway
internal import MailModel
internal import NIOCore
internal import NIOEmbedded

/// A connection to the gateway of a simulated node: the production handler in a channel without a socket.
final class SimLMTPSession {
    private let service: SimMailService
    private let channel: EmbeddedChannel
    private var output = ByteBuffer()
    private var isOpen = true

    /// Nil when the channel cannot be had.
    init?(_ service: SimMailService, _ settings: LMTPSettings) {
        self.service = service
        channel = EmbeddedChannel()
        do {
            try channel.pipeline.syncOperations.addHandler(
                LMTPServer.makeSession(settings: settings, service: service)
            )
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 24), promise: nil)
        } catch {
            return nil
        }
    }

    /// A transaction begins.
    func begin(_ mail: UInt64) {
        service.mail = mail
        service.bodies = [:]
    }

    /// What the gateway stored, or tried to, for a recipient of this transaction.
    func bodies(of recipient: AccountAddress) -> [BodyID] { service.bodies[recipient] ?? [] }

    func send(_ bytes: ByteBuffer) {
        guard isOpen else { return }
        _ = try? channel.writeInbound(bytes)
        channel.embeddedEventLoop.run()
    }

    /// No recipient was accepted: the transaction is forgotten, and the answer to that is not looked at.
    func reset() {
        send(ByteBuffer(string: "RSET\r\n"))
        while nextReply() != nil {}
    }

    /// The code of the next reply; nil while there is none.
    func nextReply() -> Int? {
        channel.embeddedEventLoop.run()
        while var bytes = try? channel.readOutbound(as: ByteBuffer.self) { output.writeBuffer(&bytes) }
        while let end = output.readableBytesView.firstIndex(of: 10) {
            let start = output.readerIndex
            let line = output.readString(length: end - start + 1) ?? ""
            // Of several lines the last counts.
            if line.dropFirst(3).first == " ", let code = Int(line.prefix(3)) { return code }
        }
        return nil
    }

    /// Hangs up.
    func end() {
        guard isOpen else { return }
        isOpen = false
        service.end()
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
