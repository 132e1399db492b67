internal import LMTPGateway
internal import MailModel
internal import NIOCore

/// A connection to the LMTP gateway of a simulated node.
final class SimLMTPSession {
    private let service: SimMailService
    private let channel: SimChannel
    private let notes: DeliveryNotes
    private var output = ByteBuffer()

    /// Nil when the channel cannot be had.
    init?(_ service: SimMailService, in world: World) {
        self.service = service
        notes = DeliveryNotes(world)
        service.noted = { [notes] in notes.note($0, for: $1) }
        do {
            let handler = LMTPServer.makeSession(settings: world.lmtpSettings, service: service)
            channel = try SimChannel(handler, port: 24, at: world.now)
        } catch {
            return nil
        }
    }

    /// A transaction begins.
    func begin(_ mail: UInt64) { notes.begin(mail) }

    /// What the gateway stored, or tried to, for a recipient of this transaction.
    func bodies(of recipient: AccountAddress) -> [BodyID] { notes.bodies[recipient] ?? [] }

    func send(_ bytes: ByteBuffer) { channel.send(bytes) }

    /// No recipient was accepted: the transaction is forgotten, and the answer to that is not looked at.
    func reset() {
        send(ByteBuffer(string: "RSET\r\n"))
        while nextReply() != nil {}
    }

    /// The code of the next reply; nil while there is none.
    func nextReply() -> Int? {
        var bytes = channel.received()
        output.writeBuffer(&bytes)
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
        service.end()
        channel.end()
    }
}

/// What a gateway stores, or tries to, of the message that an MTA hands it.
///
/// `@unchecked Sendable`: a simulation has one thread.
private final class DeliveryNotes: @unchecked Sendable {
    private unowned let world: World
    private var mail: UInt64 = 0
    private(set) var bodies: [AccountAddress: [BodyID]] = [:]

    init(_ world: World) { self.world = world }

    func begin(_ mail: UInt64) {
        self.mail = mail
        bodies = [:]
    }

    func note(_ command: MailCommand, for address: AccountAddress) {
        switch command {
        case .deliver(let message, let name):
            noteBody(message.bodyID, address)
            world.checker.named(name, body: message.bodyID, in: world)
        case .uploadChunk(let body, _, _): noteBody(body, address)
        default: world.fail("a gateway delivers", "\(command)")
        }
    }

    private func noteBody(_ body: BodyID, _ address: AccountAddress) {
        world.checker.mail.noteBody(body, of: mail, for: address, isDelivered: true)
        bodies[address, default: []].append(body)
    }
}
