import Consensus
import PeerTransport
import Testing

@testable import NodeRuntime

/// What a beat proves, and what it does not.
@Suite struct NeighborTests {
    static let session: UInt64 = 77
    static let limits = RestLimits(RaftSettings(electionTimeoutTicks: 10))
    static let group = RestSetTests.resting(1)

    /// A neighbour of which one follower here relies on.
    private func relying(at tick: UInt64 = 100) -> Neighbor {
        var neighbor = Neighbor(node: NodeID(2), tick: tick)
        neighbor.following.insert(Self.group)
        return neighbor
    }

    private func beat(
        _ neighbor: Neighbor,
        session: UInt64 = 5,
        number: UInt64,
        answers: UInt64?,
        of run: UInt64 = Self.session,
        agreeing: Bool = true
    ) -> Beat {
        Beat(
            session: session,
            number: number,
            leading: neighbor.following.digest,
            echo: answers.map { BeatEcho(session: run, number: $0, agrees: agreeing) }
        )
    }

    private func receive(_ beat: Beat, _ neighbor: inout Neighbor, at tick: UInt64) -> Neighbor.News {
        neighbor.receive(beat, session: Self.session, tick: tick)
    }

    @Test func aProofIsAsOldAsWhatItAnswers() {
        var neighbor = relying()
        _ = receive(beat(neighbor, number: 1, answers: 104), &neighbor, at: 109)
        #expect(neighbor.leadTick == 104)
        #expect(neighbor.followTick == 104)
        #expect(!neighbor.lacksLeadProof(tick: 108, Self.limits))
        #expect(neighbor.lacksLeadProof(tick: 109, Self.limits))
        #expect(!neighbor.isSilent(tick: 118, Self.limits))
        #expect(neighbor.isSilent(tick: 119, Self.limits))
        #expect(neighbor.presence(tick: 143, Self.limits) == .present)
        #expect(neighbor.presence(tick: 144, Self.limits) == .gone)
    }

    @Test func anotherDigestProvesNothing() {
        var neighbor = relying()
        var other = RestSet()
        for wrong in [
            [], [RestSetTests.resting(2)], [RestSetTests.resting(1, term: 2)], [Self.group, RestSetTests.resting(2)],
        ] {
            for group in wrong { other.insert(group) }
            let beat = Beat(
                session: 5,
                number: (neighbor.newest?.number ?? 0) + 1,
                leading: other.digest,
                echo: BeatEcho(session: Self.session, number: 104, agrees: true)
            )
            _ = receive(beat, &neighbor, at: 105)
            #expect(neighbor.leadTick == 100)
            #expect(neighbor.leadProofs == 0)
            #expect(neighbor.newest?.agrees == false)
            for group in wrong { other.remove(group) }
        }
    }

    @Test func aLateBeatProvesTheTimeItAnswers() {
        var neighbor = relying()
        let late = beat(neighbor, number: 1, answers: 101)
        _ = receive(beat(neighbor, number: 9, answers: 150), &neighbor, at: 151)
        _ = receive(late, &neighbor, at: 152)
        #expect(neighbor.leadTick == 150)
        #expect(neighbor.newest?.number == 9)
        // Of an earlier run of the neighbour, it is not told apart, and proves what was true then.
        _ = receive(beat(neighbor, session: 4, number: 1_000, answers: 102), &neighbor, at: 153)
        #expect(neighbor.leadTick == 150)
    }

    @Test func aRepeatedBeatIsHeardOnce() {
        var neighbor = relying()
        let beat = beat(neighbor, number: 3, answers: 104)
        _ = receive(beat, &neighbor, at: 105)
        _ = receive(beat, &neighbor, at: 200)
        #expect(neighbor.leadProofs == 1)
        #expect(neighbor.isSilent(tick: 200, Self.limits))
    }

    @Test func whatAnswersAnEarlierRunOfThisNodeProvesNothing() {
        var neighbor = relying()
        _ = receive(beat(neighbor, number: 1, answers: 104, of: 76), &neighbor, at: 105)
        _ = receive(beat(neighbor, number: 2, answers: nil), &neighbor, at: 105)
        _ = receive(beat(neighbor, number: 3, answers: 106), &neighbor, at: 105)
        #expect(neighbor.leadTick == 100)
        #expect(neighbor.followTick == 100)
        #expect(neighbor.presence(tick: 139, Self.limits) == .present)
        #expect(!neighbor.isSilent(tick: 109, Self.limits), "but the node is there")
    }

    @Test func disagreementAsksForTheListOnce() {
        var neighbor = Neighbor(node: NodeID(2), tick: 100)
        neighbor.leading.insert(Self.group)
        #expect(receive(beat(neighbor, number: 1, answers: 104, agreeing: false), &neighbor, at: 105).needsList)
        #expect(neighbor.followTick == 100)
        neighbor.listWasSent(tick: 106)
        // Sent before the list: says nothing of it.
        #expect(!receive(beat(neighbor, number: 2, answers: 106, agreeing: false), &neighbor, at: 107).needsList)
        #expect(receive(beat(neighbor, number: 3, answers: 110, agreeing: false), &neighbor, at: 111).needsList)
        #expect(!receive(beat(neighbor, number: 4, answers: 112), &neighbor, at: 113).needsList)
        #expect(neighbor.followTick == 112)
    }

    @Test func anotherRunIsNoticed() {
        var neighbor = relying()
        #expect(!receive(beat(neighbor, session: 5, number: 900, answers: nil), &neighbor, at: 101).hasRestarted)
        #expect(!receive(beat(neighbor, session: 5, number: 901, answers: nil), &neighbor, at: 102).hasRestarted)
        #expect(receive(beat(neighbor, session: 6, number: 1, answers: nil), &neighbor, at: 103).hasRestarted)
    }

    @Test func whoWasGivenUpIsBackWithItsFirstBeat() {
        var neighbor = Neighbor(node: NodeID(2), tick: 100)
        neighbor.forsaken.insert(GroupID(1))
        #expect(receive(beat(neighbor, number: 1, answers: nil), &neighbor, at: 200).hasReturned)
    }
}
