internal import MailModel
internal import NIOCore

/// Where mail for a recipient goes.
struct FoundRecipient: Hashable, Sendable {
    let account: AccountReference
    let deliveredTo: AccountAddress

    init(_ id: AccountID, by address: AccountAddress, deliveredTo: AccountAddress) {
        account = AccountReference(id: id, slot: address.slot)
        self.deliveredTo = deliveredTo
    }
}

/// From the name in RCPT to an account.
struct RecipientFinder {
    let settings: LMTPSettings
    let service: any MailService

    /// Looks for the account of exactly that name first, then for the one without the detail.
    ///
    /// - Returns: nil where there is neither.
    func find(_ name: RecipientName, on loop: any EventLoop) -> EventLoopFuture<FoundRecipient?> {
        let address: AccountAddress
        switch name {
        case .address(let named): address = named
        case .postmaster:
            guard let postmaster = settings.postmaster else { return loop.makeSucceededFuture(nil) }
            address = postmaster
        }
        return service.findForDelivery(address, on: loop).flatMap { id in
            if let id {
                return loop.makeSucceededFuture(FoundRecipient(id, by: address, deliveredTo: address))
            }
            guard let separator = settings.detailSeparator, let base = address.withoutDetail(separator) else {
                return loop.makeSucceededFuture(nil)
            }
            return service.findForDelivery(base, on: loop).map { id in
                id.map { FoundRecipient($0, by: base, deliveredTo: address) }
            }
        }
    }
}
