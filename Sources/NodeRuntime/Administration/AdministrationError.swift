/// Why an admin's request was not carried out; the sentence says what to do.
public struct AdministrationError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failures that a caller can tell apart; an RPC has a status code for each.
    public enum Code: Hashable, Sendable {
        case notFound, alreadyExists, invalidArgument, failedPrecondition, unavailable
    }

    /// What kind of failure it is.
    public let code: Code
    public let description: String

    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    static let unavailable = AdministrationError(
        .unavailable,
        "no quorum answered in time; asking again is safe. `staffettactl cluster status` shows what is missing"
    )
}
