public import Consensus
public import MailModel
internal import NIOCore

/// How nodes hear of one another what is needed to plan where replicas are to be.
public enum SurveyMessage: Hashable, Sendable {
    /// "What do you hold, and how much room do you have?"
    case ask(id: UInt64)
    /// Answers the question with that number.
    case report(id: UInt64, NodeReport)
    /// "Hand the leadership of this group to that node", to the node that is thought to lead. Nothing answers it: the
    /// next report says who leads.
    case handOver(GroupID, to: NodeID)
}

extension SurveyMessage {
    static let formatVersion: UInt8 = 1

    var approximateBytes: Int {
        switch self {
        case .ask, .handOver: 64
        case .report(_, let report): 96 + 17 * report.groups.count
        }
    }
}

extension ByteBuffer {
    mutating func write(_ message: SurveyMessage) {
        writeInteger(SurveyMessage.formatVersion)
        switch message {
        case .ask(let id):
            writeInteger(1, as: UInt8.self)
            writeInteger(id)
        case .report(let id, let report):
            writeInteger(2, as: UInt8.self)
            writeInteger(id)
            write(report)
        case .handOver(let group, let node):
            writeInteger(3, as: UInt8.self)
            writeInteger(group.rawValue)
            writeInteger(node.rawValue)
        }
    }
}

extension WireDecoder {
    mutating func surveyMessage() throws(DecodingError) -> SurveyMessage {
        let version: UInt8 = try integer()
        guard version == SurveyMessage.formatVersion else { throw failure(.unknownVersion(UInt64(version))) }
        switch try integer(as: UInt8.self) {
        case 1: return .ask(id: try integer())
        case 2: return .report(id: try integer(), try nodeReport())
        case 3: return .handOver(try group(), to: NodeID(try integer(as: UInt64.self)))
        case let tag: throw failure(.unknownTag(UInt64(tag)))
        }
    }
}
