import Glibc
import MailTestSupport
import NIOCore
import StateStorage
import Testing

/// What only a store on disk can do wrong.
@Suite struct RocksStateStoreTests {
    let directory = TemporaryDirectory()
    var path: String { directory.path + "/state" }

    @Test func presenceIsChecked() throws {
        var settings = RocksSettings.small
        settings.presence = .mustExist
        #expect(kind { try RocksStateStore(path: path, settings: settings) } == .notFound)
        settings.presence = .mustNotExist
        try RocksStateStore(path: path, settings: settings).close()
        #expect(kind { try RocksStateStore(path: path, settings: settings) } == .alreadyExists)
        settings.presence = .mustExist
        try RocksStateStore(path: path, settings: settings).close()
    }

    @Test func oneStorePerDirectory() throws {
        let store = try RocksStateStore(path: path, settings: .small)
        #expect(kind { try RocksStateStore(path: path, settings: .small) } == .inUse)
        store.close()
    }

    @Test func aDroppedStoreLetsGo() throws {
        do {
            let store = try RocksStateStore(path: path, settings: .small)
            let snapshot = store.makeSnapshot()
            _ = snapshot
        }
        try RocksStateStore(path: path, settings: .small).close()
    }

    @Test func noWriteAheadLogIsWritten() throws {
        let store = try RocksStateStore(path: path, settings: .small)
        let batch = store.makeBatch()
        batch.put([1], Array(repeating: 7, count: 100_000))
        try store.write(batch)
        for name in directory.names(in: "state") where name.hasSuffix(".log") {
            #expect(size(path + "/" + name) == 0)
        }
        store.close()
    }

    /// The larger file has the values that are kept apart, the other one the rows.
    @Test(arguments: [true, false])
    func damageIsAnError(ofValues: Bool) throws {
        let store = try RocksStateStore(path: path, settings: .apart)
        let batch = store.makeBatch()
        for key in 0..<100 { batch.put([UInt8(key), 72], (0..<6000).map { UInt8(truncatingIfNeeded: $0 &* key) }) }
        for key in 100..<200 { batch.put([UInt8(key)], [UInt8](repeating: UInt8(key), count: 50)) }
        try store.write(batch)
        try store.flush()
        store.close()
        let files = directory.names(in: "state").filter { $0.hasSuffix(".sst") }.sorted {
            size(path + "/" + $0) < size(path + "/" + $1)
        }
        #expect(files.count == 2)
        let name = try #require(ofValues ? files.last : files.first)
        let file = open(path + "/" + name, O_RDWR)
        var bytes = [UInt8](repeating: 0, count: 64)
        #expect(pread(file, &bytes, 64, 200) == 64)
        for index in bytes.indices { bytes[index] ^= 0x10 }
        #expect(pwrite(file, bytes, 64, 200) == 64)
        close(file)
        let reopened = try RocksStateStore(path: path, settings: .apart)
        #expect(throws: StateError.self) { try reopened.scan(from: [], to: nil) { _, _ in true } }
        reopened.close()
    }

    @Test func theFirstFailureIsFinal() throws {
        let store = try RocksStateStore(path: path, settings: .small)
        let batch = store.makeBatch()
        batch.put([1], [1])
        try store.write(batch)
        // The flush cannot make its file any more.
        #expect(rename(path, path + ".gone") == 0)
        #expect(kind { try store.flush() } != nil)
        let first = try #require(store.failure)
        #expect(rename(path + ".gone", path) == 0)
        #expect(message { try store.write(batch) } == first.message)
        #expect(message { try store.flush() } == first.message)
        #expect(try store.get([1]) == ByteBuffer(bytes: [1]))
        store.close()
    }

    @Test func memoryStoreFailsTheSameWay() throws {
        let store = MemoryStateStore()
        store.injectFailure(StateError(kind: .noSpace, message: "full", path: ""))
        #expect(kind { try store.flush() } == .noSpace)
        store.injectFailure(nil)
        #expect(kind { try store.write(store.makeBatch()) } == .noSpace)
        store.crash()
        try store.write(store.makeBatch())
    }

    private func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_size : -1
    }

    private func kind(_ body: () throws -> Any) -> StateError.Kind? {
        do {
            _ = try body()
            return nil
        } catch { return (error as? StateError)?.kind }
    }

    private func message(_ body: () throws -> Any) -> String? {
        do {
            _ = try body()
            return nil
        } catch { return (error as? StateError)?.message }
    }
}
