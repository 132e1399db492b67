import Consensus
import Testing

@testable import Simulation

@Suite struct SimulationTests {
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func aClusterKeepsItsPromisesUnderFaults(seed: UInt64) {
        let report = Simulation.run(SimulationOptions(seed: seed, seconds: 8))
        #expect(report.violation == nil, "seed \(seed)")
        #expect(report.counts.calls.succeeded > 0)
    }

    /// A night's run has 100,000 seeds.
    @Test func aRunLeavesNothingBehind() {
        weak var node: SimNode?
        do {
            let world = World(SimulationOptions(seed: 3, seconds: 3))
            _ = world.run()
            // Any that is up: which ones are changes with the run.
            node = world.nodes.first { $0.core != nil }
            #expect(node?.core != nil)
            world.tearDown()
        }
        let isLeft = node != nil
        #expect(!isLeft)
    }

    /// Sets and dictionaries iterate differently from instance to instance: none may be seen from outside.
    @Test func theSameSeedGivesTheSameRun() {
        let first = Simulation.run(SimulationOptions(seed: 7, seconds: 6))
        let second = Simulation.run(SimulationOptions(seed: 7, seconds: 6))
        #expect(first.digest == second.digest)
        #expect(first.counts.events == second.counts.events)
        #expect(Simulation.run(SimulationOptions(seed: 8, seconds: 6)).digest != first.digest)
    }
}

/// The checker is checked: with a bug put in, it must find something.
@Suite struct MutantTests {
    private func isCaught(_ mutant: Mutant, within seeds: ClosedRange<UInt64>) -> Bool {
        seeds.contains { seed in
            var options = SimulationOptions(seed: seed, seconds: 10)
            options.mutant = mutant
            return Simulation.run(options).violation != nil
        }
    }

    @Test func aDiskThatDoesNotSyncIsFound() {
        #expect(isCaught(.disksLie, within: 1...6))
    }

    @Test func aStaleReadIsFound() {
        #expect(isCaught(.staleReads, within: 1...3))
    }
}
