internal import IMAPSyntax
internal import MailModel

extension ServiceFailure {
    /// What a client is told: a response code (RFC 5530), and a sentence for people.
    var answer: (code: ResponseCode, text: String) {
        switch self {
        case .unavailable: (.unavailable, "The mail store cannot be reached at the moment; please try again")
        case .busy: (.inUse, "The mail store is busy; please try again")
        case .noSpace:
            (.unavailable, "The mail store has no room for new messages at the moment; please try again")
        case .stopping: (.unavailable, "The server is stopping; please connect again")
        }
    }
}
