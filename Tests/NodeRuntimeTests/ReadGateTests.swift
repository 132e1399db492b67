import Consensus
import Testing

@testable import NodeRuntime

@Suite struct ReadGateTests {
    private let group = GroupID(3)

    @Test func nothingOfAClosedGroupIsTold() {
        let gate = ReadGate()
        let pass = gate.pass(group)
        #expect(gate.isGood(pass, for: group))
        gate.close(group)
        #expect(!gate.isGood(pass, for: group))
        #expect(!gate.isGood(gate.pass(group), for: group))
        #expect(gate.isGood(gate.pass(GroupID(4)), for: GroupID(4)))
    }

    /// An install that waited for a read that hangs would keep the appliers of all groups waiting.
    @Test func aReadThatHangsHoldsNobodyUp() {
        let gate = ReadGate()
        let pass = gate.pass(group)
        #expect(gate.isGood(pass, for: group))
        gate.close(group)
        gate.open(group)
        #expect(!gate.isGood(pass, for: group))
    }

    /// A read that was let in when the rows were those of a replica that is given up must not see the next one's, which
    /// begins with nothing.
    @Test func aPassIsGoodForTheRowsItWasGivenForOnly() {
        let gate = ReadGate()
        let pass = gate.pass(group)
        gate.close(group)
        gate.open(group)
        #expect(!gate.isGood(pass, for: group))
        #expect(gate.isGood(gate.pass(group), for: group))
    }
}
