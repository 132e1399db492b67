internal import MailModel

/// What MTAs were told, recipient by recipient.
extension Checker {
    /// A command was carried out for the first time.
    mutating func observeArrival(of envelope: CommandEnvelope, group: Int, in world: World) {
        guard case .deliver(let message, _) = envelope.command else { return }
        let model = groups[group].model
        guard case .appended? = model.answers[envelope.request]?.outcome,
            let address = model.accounts[envelope.account]?.address
        else { return }
        countCheck()
        if mail.arrive(message.bodyID, at: address) {
            world.fail("mail comes to its recipients alone", "group \(group): \(address) has another's")
        }
    }

    /// A recipient's own answer: the last that the MTA got for it in a transaction.
    ///
    /// - Parameter bodies: what the gateway stored, or tried to, for that recipient in this transaction.
    mutating func recipientAnswered(
        _ code: Int,
        transaction number: UInt64,
        recipient: AccountAddress,
        bodies: [BodyID],
        in world: World
    ) {
        countCheck()
        switch code {
        case 250:
            if !mail.hasArrived(number, at: recipient) {
                world.fail("a recipient who was accepted has the message", "message \(number), \(recipient): 250")
            }
        case 500...:
            if bodies.contains(where: mail.hasBodyArrived(_:)) {
                world.fail("a recipient who was refused has no message", "message \(number), \(recipient): \(code)")
            }
        default: break
        }
    }

    /// A gateway names a delivery: the same name for the same message and recipient, through whichever node.
    mutating func named(_ name: DeliveryID?, body: BodyID, in world: World) {
        countCheck()
        guard let name, mail.noteDelivery(name, of: body) else {
            return world.fail("a delivery always has the same name, for itself alone", "body \(body)")
        }
    }
}
