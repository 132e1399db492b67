import Consensus
import NIOCore
import StateStorage
import Testing

/// Random batches, flushes, snapshots and crashes, compared with a dictionary after every step.
@Suite struct RandomOperationsTests {
    @Test(arguments: StoreKind.allCases, [1, 2, 3, 4] as [UInt64])
    func agreesWithADictionary(_ kind: StoreKind, _ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let subject = try StoreUnderTest(kind)
        var model: [[UInt8]: [UInt8]] = [:]
        var flushed = model
        var snapshot: (any StateSnapshot)? = nil
        var frozen = model
        for _ in 0..<300 {
            switch random.below(20) {
            case 0:
                try subject.store.flush()
                flushed = model
            case 1:
                snapshot = nil
                try subject.crash()
                model = flushed
            case 2:
                snapshot = subject.store.makeSnapshot()
                frozen = model
            case 3:
                if let snapshot { #expect(try snapshot.rows() == sorted(frozen)) }
            case 4:
                for _ in 0..<random.below(40) {
                    guard try subject.store.reclaimSpace(maximumBytes: 1_000) else { break }
                }
                // What is dropped must not be needed after a crash: a collection flushes before.
                try subject.store.flush()
                flushed = model
            default:
                let batch = subject.store.makeBatch()
                for _ in 0..<random.below(12) { addOperation(to: batch, &model, &random) }
                try subject.store.write(batch)
            }
            let order: ScanOrder = random.below(2) == 0 ? .ascending : .descending
            let bounds = [key(&random), key(&random)].sorted { $0.lexicographicallyPrecedes($1) }
            let expected = sorted(model).filter {
                !$0.key.lexicographicallyPrecedes(bounds[0]) && $0.key.lexicographicallyPrecedes(bounds[1])
            }
            let rows = try subject.rows(from: bounds[0], to: bounds[1], order)
            #expect((order == .ascending ? rows : rows.reversed()) == expected)
            let probe = key(&random)
            #expect(try subject.store.bytes(probe) == model[probe])
            let probes = (0..<random.below(20)).map { _ in key(&random) }.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(values(of: probes, in: subject.store) == probes.map { model[$0] })
            if let snapshot { #expect(values(of: probes, in: snapshot) == probes.map { frozen[$0] }) }
            let persisted = try subject.store.get(probe, tier: .persisted).map { Array($0.readableBytesView) }
            #expect(persisted == flushed[probe])
        }
        #expect(try subject.rows() == sorted(model))
    }

    private func values(of keys: [[UInt8]], in reader: any StateReader) -> [[UInt8]?] {
        var values: [[UInt8]?] = Array(repeating: nil, count: keys.count)
        reader.withReadableValues(keys) { index, value in
            #expect(values[index] == nil)
            values[index] = value.array
        }
        return values
    }

    private func addOperation(to batch: any StateBatch, _ model: inout [[UInt8]: [UInt8]], _ random: inout SplitMix64) {
        let key = key(&random)
        switch random.below(10) {
        case 0:
            let end = self.key(&random)
            batch.deleteRange(key, end)
            for other in model.keys
            where !other.lexicographicallyPrecedes(key) && other.lexicographicallyPrecedes(end) {
                model[other] = nil
            }
        case 1, 2:
            batch.delete(key)
            model[key] = nil
        default:
            let size = random.below(10) == 0 ? 5000 : random.below(20)
            let value = (0..<size).map { _ in UInt8(random.below(256)) }
            batch.put(key, value)
            model[key] = value
        }
    }

    private func key(_ random: inout SplitMix64) -> [UInt8] {
        (0..<random.below(4)).map { _ in UInt8(random.below(8) * 36) }
    }

    private func sorted(_ model: [[UInt8]: [UInt8]]) -> [Row] {
        model.map { Row($0.key, $0.value) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }
}
