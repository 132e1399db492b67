package import Consensus

/// What the sessions of a mixed load do, as a mail client does it.
package enum MixedStep: String, CaseIterable, Sendable {
    case list = "LIST"
    case status = "STATUS"
    case headers = "FETCH headers"
    case message = "FETCH message"
    case store = "STORE flag"
    case append = "APPEND, EXPUNGE"
    case noop = "NOOP"

    /// Of so many steps in a hundred it is this one. The weights follow what clients that poll do: mostly they ask for
    /// news, then they show a list, then one message, which they mark as read.
    package var weight: Int {
        switch self {
        case .list: 5
        case .status: 15
        case .headers: 20
        case .message: 25
        case .store: 15
        case .append: 5
        case .noop: 15
        }
    }

    /// Draws a step by its weight.
    package static func draw(_ random: inout SplitMix64) -> MixedStep {
        var rest = random.below(allCases.reduce(0) { $0 + $1.weight })
        for step in allCases {
            rest -= step.weight
            if rest < 0 { return step }
        }
        preconditionFailure("a number below the sum of the weights is in one of them")
    }
}
