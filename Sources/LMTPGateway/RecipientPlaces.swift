/// The RCPTs of one transaction, in the order in which the client sent them: the order of the replies after the message
/// (RFC 2033, section 4.2). Look-ups end in any order.
///
/// A refused RCPT is counted and not kept, so that no number of them takes memory, or time of those that follow.
struct RecipientPlaces {
    /// An RCPT whose account is being looked up, or that was accepted.
    private struct Place {
        let number: Int
        /// Which recipient of the transaction it became; nil until the look-up has ended.
        var recipient: Int?
    }

    /// By number.
    private var open: [Place] = []
    private var lastNumber = 0
    /// RCPTs that have no account, or whose look-up failed.
    private(set) var refusedCount = 0
    /// RCPTs that were answered without a look-up, as there were enough before them.
    private(set) var excessCount = 0

    /// RCPTs that were accepted or may still be.
    var openCount: Int { open.count }

    /// The recipient of each accepted RCPT, in the order of the replies.
    var accepted: [Int] { open.compactMap(\.recipient) }

    /// Takes the next place, for an RCPT whose account is being looked up.
    mutating func take() -> Int {
        lastNumber += 1
        open.append(Place(number: lastNumber))
        return lastNumber
    }

    /// The look-up has found an account.
    mutating func accept(_ number: Int, as recipient: Int) {
        guard let index = open.firstIndex(where: { $0.number == number }) else {
            preconditionFailure("an RCPT is answered once")
        }
        open[index].recipient = recipient
    }

    /// The look-up has found no account, or failed.
    mutating func refuse(_ number: Int) {
        open.removeAll { $0.number == number }
        refusedCount += 1
    }

    /// An RCPT is refused by its name alone, and gets no place.
    mutating func countRefusal() { refusedCount += 1 }

    /// An RCPT comes after as many as there may be, and gets no place.
    mutating func countExcess() { excessCount += 1 }
}
