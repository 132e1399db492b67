import MailModel
import Testing

@testable import NodeRuntime

struct FarewellRoomTests {
    private static let others: [NodeID] = [NodeID(2), NodeID(3), NodeID(4)]
    private var room = FarewellRoom()

    @Test mutating func saidOnceByAllIsNotEnough() {
        for other in Self.others { #expect(!room.isFinal(other, at: 1_000, among: Self.others)) }
        for other in Self.others { #expect(!room.isFinal(other, at: 3_900, among: Self.others)) }
    }

    @Test mutating func mostOfThemMustGoOnSayingSo() {
        for other in Self.others { _ = room.isFinal(other, at: 1_000, among: Self.others) }
        #expect(!room.isFinal(NodeID(2), at: 4_000, among: Self.others))
        #expect(!room.isFinal(NodeID(2), at: 5_000, among: Self.others))
        #expect(room.isFinal(NodeID(3), at: 5_000, among: Self.others))
    }

    @Test mutating func theOneOtherIsEnough() {
        #expect(!room.isFinal(NodeID(2), at: 0, among: [NodeID(2)]))
        #expect(room.isFinal(NodeID(2), at: 3_000, among: [NodeID(2)]))
    }

    @Test mutating func whoDoesNotVoteOnTheDirectoryCountsForNothing() {
        for now in stride(from: Int64(0), through: 9_000, by: 1_000) {
            #expect(!room.isFinal(NodeID(9), at: now, among: Self.others))
            #expect(!room.isFinal(NodeID(9), at: now, among: []))
        }
    }

    @Test mutating func whatWasSaidLongAgoIsForgotten() {
        _ = room.isFinal(NodeID(2), at: 0, among: [NodeID(2)])
        #expect(!room.isFinal(NodeID(2), at: 40_000, among: [NodeID(2)]))
        #expect(room.isFinal(NodeID(2), at: 43_000, among: [NodeID(2)]))
    }
}
