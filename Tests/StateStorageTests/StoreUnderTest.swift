import Glibc
import MailTestSupport
import NIOCore
import StateStorage

/// The kinds of store that must behave alike.
enum StoreKind: CaseIterable {
    case memory, rocks
    /// Some values are kept apart.
    case rocksApart
}

/// A store that can crash and be opened again, in a directory of its own.
final class StoreUnderTest {
    private(set) var store: any StateStore
    private let directory: TemporaryDirectory?
    private let settings: RocksSettings

    init(_ kind: StoreKind, settings: RocksSettings = .small) throws {
        self.settings = kind == .rocksApart ? .apart : settings
        switch kind {
        case .memory:
            directory = nil
            store = MemoryStateStore()
        case .rocks, .rocksApart:
            let directory = TemporaryDirectory()
            self.directory = directory
            store = try RocksStateStore(path: directory.path + "/state", settings: self.settings)
        }
    }

    /// Loses what was not flushed.
    func crash() throws {
        if let memory = store as? MemoryStateStore {
            memory.crash()
        } else if let directory {
            // Closing does not flush; what the process had in memory is gone.
            store.close()
            store = try RocksStateStore(path: directory.path + "/state", settings: settings)
        }
    }

    func write(_ fill: (any StateBatch) -> Void) throws {
        let batch = store.makeBatch()
        fill(batch)
        try store.write(batch)
    }

    func rows(from start: [UInt8] = [], to end: [UInt8]? = nil, _ order: ScanOrder = .ascending) throws -> [Row] {
        try store.rows(from: start, to: end, order)
    }
}

struct Row: Equatable {
    let key: [UInt8]
    let value: [UInt8]

    init(_ key: [UInt8], _ value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

extension StateReader {
    func rows(from start: [UInt8] = [], to end: [UInt8]? = nil, _ order: ScanOrder = .ascending) throws -> [Row] {
        var rows: [Row] = []
        try scan(from: start, to: end, order: order) { key, value in
            rows.append(Row(key.array, value.array))
            return true
        }
        return rows
    }

    func bytes(_ key: [UInt8]) throws -> [UInt8]? { try get(key).map { Array($0.readableBytesView) } }
}

extension Span<UInt8> {
    var array: [UInt8] { (0..<count).map { self[$0] } }
}

extension RocksSettings {
    /// Keeps values apart whose key has 72 behind its first byte, in small segments.
    static var apart: RocksSettings {
        var settings = RocksSettings.small
        settings.valuesApart = ValuesApart(byte: 72, at: 1)
        settings.segmentBytes = 32 << 10
        return settings
    }

    static var small: RocksSettings {
        var settings = RocksSettings()
        settings.writeBufferBytes = 8 << 20
        settings.blockCacheBytes = 4 << 20
        return settings
    }
}
