import LoadModel
import Testing

@Suite("Pace of a load") struct PacerTests {
    @Test("In an open loop requests are due at their times, however late a session asks")
    func openLoop() {
        var pacer = Pacer(rate: 10, requests: 3, seconds: nil, warmUpSeconds: 0.2)
        let tickets = [0, 5, 5, 5, 5, 5].map { pacer.next(now: $0) }
        #expect(tickets.map { $0?.due } == [0, 0.1, 0.2, 0.3, 0.4, nil])
        #expect(tickets.compactMap { $0?.isCounted } == [false, false, true, true, true])
        #expect(tickets.compactMap { $0?.number } == [0, 1, 2, 3, 4])
    }

    @Test("In a closed loop they are due when a session asks")
    func closedLoop() {
        var pacer = Pacer(rate: nil, requests: nil, seconds: 2, warmUpSeconds: 1)
        #expect(pacer.end == 3)
        let tickets = [0.5, 1.5, 2.9, 3.1].map { pacer.next(now: $0) }
        #expect(tickets.map { $0?.due } == [0.5, 1.5, 2.9, nil])
        #expect(tickets.compactMap { $0?.isCounted } == [false, true, true])
    }

    @Test("A load ends with its requests or its time, whichever comes first")
    func limits() {
        var pacer = Pacer(rate: nil, requests: 1, seconds: 2, warmUpSeconds: 0)
        #expect(pacer.next(now: 0) != nil)
        #expect(pacer.next(now: 0.1) == nil)
        pacer = Pacer(rate: 1, requests: 100, seconds: 2, warmUpSeconds: 0)
        #expect((0..<5).compactMap { _ in pacer.next(now: 0) }.count == 2)
    }
}
