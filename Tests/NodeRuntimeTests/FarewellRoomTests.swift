import Consensus
import Testing

@testable import NodeRuntime

@Suite struct FarewellRoomTests {
    private static let others = [NodeID(2), NodeID(3), NodeID(4)]

    /// Who says at which millisecond that the node is gone.
    private typealias Word = (node: UInt64, milliseconds: Int64)

    private func verdicts(_ words: [Word], among others: [NodeID] = Self.others) -> [Bool] {
        var room = FarewellRoom()
        return words.map { room.isFinal(NodeID($0.node), at: $0.milliseconds, among: others) }
    }

    @Test func `what all say once is not enough`() {
        let words: [Word] = [(2, 1_000), (3, 1_000), (4, 1_000), (2, 3_900), (3, 3_900), (4, 3_900)]
        #expect(!verdicts(words).contains(true))
    }

    @Test func `most of them must go on saying so`() {
        let words: [Word] = [(2, 1_000), (3, 1_000), (4, 1_000), (2, 4_000), (2, 5_000), (3, 5_000)]
        #expect(verdicts(words) == [false, false, false, false, false, true])
    }

    @Test func `where there is one other, that one is enough`() {
        #expect(verdicts([(2, 0), (2, 3_000)], among: [NodeID(2)]) == [false, true])
    }

    @Test func `who does not vote on the directory counts for nothing`() {
        let words = stride(from: Int64(0), through: 9_000, by: 1_000).map { Word(9, $0) }
        #expect(!verdicts(words).contains(true))
        #expect(!verdicts(words, among: []).contains(true))
    }

    @Test func `what was said long ago is forgotten`() {
        #expect(verdicts([(2, 0), (2, 40_000), (2, 43_000)], among: [NodeID(2)]) == [false, false, true])
    }
}
