internal import Consensus
internal import MailStore
internal import NIOCore
internal import StateStorage

/// Changes one row of a group in the state of a node that is down, as no checksum of the disk's would notice: when a
/// message was saved.
///
///     harm-state <directory>/state <group> [--with-digest | --bodies]
///
/// With a digest that fits, the replica is wrong in good order, and only the others can tell. Prints the row's key
/// without its group, in hexadecimal digits. With `--bodies`, a byte of each chunk of all bodies is
/// changed instead, and their number is printed.
@main struct HarmState {
    /// Where things stand in keys and rows (`Docs/formats/state.md`).
    private enum Layout {
        static let meta: UInt8 = 1
        static let messages: UInt8 = 7
        static let chunks: UInt8 = 12
        /// The last byte of the time at which a message was saved.
        static let saved = 42
        static let digest = 17
    }

    static func main() throws {
        let words = CommandLine.arguments
        guard words.count > 2, let group = UInt32(words[2]) else {
            fatalError("usage: harm-state <directory>/state <group> [--with-digest]")
        }
        let store = try RocksStateStore(path: words[1], settings: .ofMail)
        let prefix = (0..<4).map { UInt8(truncatingIfNeeded: group >> UInt32(24 - 8 * $0)) }
        if words.contains("--bodies") {
            print(try spoilBodies(store, prefix))
            store.close()
            return
        }
        var found: (key: [UInt8], value: [UInt8])?
        try store.scan(from: prefix + [Layout.messages], to: prefix + [Layout.messages + 1]) { key, value in
            found = (key.indices.map { key[$0] }, value.indices.map { value[$0] })
            return false
        }
        guard var row = found else { fatalError("group \(group) has no message") }
        row.value[Layout.saved] ^= 1
        let batch = store.makeBatch()
        batch.put(row.key, row.value.span)
        try store.write(batch)
        if words.contains("--with-digest"), var meta = try store.get(prefix + [Layout.meta]) {
            let digest = try recomputedDigest(GroupID(group), in: store)
            meta.setInteger(digest.value, at: meta.readerIndex + Layout.digest)
            batch.clear()
            batch.put(prefix + [Layout.meta], meta)
            try store.write(batch)
        }
        try store.flush()
        store.close()
        print(row.key.dropFirst(4).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined())
    }

    private static func spoilBodies(_ store: RocksStateStore, _ prefix: [UInt8]) throws -> Int {
        var rows: [(key: [UInt8], value: [UInt8])] = []
        try store.scan(from: prefix + [Layout.chunks], to: prefix + [Layout.chunks + 1]) { key, value in
            rows.append((key.indices.map { key[$0] }, value.indices.map { value[$0] }))
            return true
        }
        let batch = store.makeBatch()
        for var row in rows {
            row.value[row.value.count / 2] ^= 0x10
            batch.put(row.key, row.value.span)
        }
        try store.write(batch)
        try store.flush()
        return rows.count
    }
}
