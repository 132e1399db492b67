import Consensus
import Testing

@testable import NodeRuntime

@Suite struct ReadGateTests {
    private let group = GroupID(3)

    @Test func nobodyEntersWhatIsClosed() {
        let gate = ReadGate()
        let pass = gate.pass(group)
        #expect(gate.enter(group, pass))
        gate.leave(group)
        gate.close(group)
        #expect(!gate.enter(group, pass))
        #expect(!gate.enter(group, gate.pass(group)))
        #expect(gate.enter(GroupID(4), gate.pass(GroupID(4))))
    }

    /// A read that was let in when the rows were those of a replica that is given up must not see the next one's, which
    /// begins with nothing.
    @Test func aPassIsGoodForTheRowsItWasGivenForOnly() {
        let gate = ReadGate()
        let pass = gate.pass(group)
        gate.close(group)
        gate.open(group)
        #expect(!gate.enter(group, pass))
        #expect(gate.enter(group, gate.pass(group)))
    }
}
