internal import Consensus
internal import NIOConcurrencyHelpers

/// A disk in memory that can crash, fail and rot, the same way for the same seed.
///
/// Sectors that were not synced survive a crash or not, each for itself; so do changes of size, and of the directory.
public final class MemoryDisk: Disk {
    /// Something that goes wrong once.
    public enum Fault: Hashable, Sendable {
        case write, dataSync, read, noSpace, syncDirectory
        /// A read returns what stands a few sectors further on.
        case misdirectedRead
    }

    struct State {
        /// What a program sees.
        var directory: [String: MemoryContent] = [:]
        /// What survives a crash.
        var durableDirectory: [String: MemoryContent] = [:]
        /// Rises with every crash. Files that were opened before a crash refuse everything.
        var generation = 0
        var faults: [Fault: Int] = [:]
        var syncCount = 0

        /// Whether this call is the one to fail.
        mutating func takes(_ fault: Fault) -> Bool {
            guard let calls = faults[fault] else { return false }
            faults[fault] = calls == 0 ? nil : calls - 1
            return calls == 0
        }
    }

    let state = NIOLockedValueBox(State())

    public init() {}

    public func create(_ name: String, bytes: Int) throws(DiskError) -> any DiskFile {
        try update { state throws(DiskError) in
            guard state.directory[name] == nil else {
                throw DiskError(kind: .alreadyExists, message: "create: the file exists", path: name)
            }
            if state.takes(.noSpace) { throw DiskError(kind: .noSpace, message: "create: no space", path: name) }
            let content = MemoryContent()
            content.resize(bytes)
            state.directory[name] = content
            return MemoryFile(self, content, name: name, generation: state.generation)
        }
    }

    public func open(_ name: String) throws(DiskError) -> any DiskFile {
        try update { state throws(DiskError) in
            let content = try Self.content(state, name)
            return MemoryFile(self, content, name: name, generation: state.generation)
        }
    }

    public func list() throws(DiskError) -> [String] { state.withLockedValue { $0.directory.keys.sorted() } }

    public func delete(_ name: String) throws(DiskError) {
        try update { state throws(DiskError) in
            _ = try Self.content(state, name)
            state.directory[name] = nil
        }
    }

    public func rename(_ name: String, to newName: String) throws(DiskError) {
        try update { state throws(DiskError) in
            state.directory[newName] = try Self.content(state, name)
            state.directory[name] = nil
        }
    }

    public func syncDirectory() throws(DiskError) {
        try update { state throws(DiskError) in
            if state.takes(.syncDirectory) {
                throw DiskError(kind: .inputOutput, message: "fsync of the directory: I/O error", path: ".")
            }
            state.durableDirectory = state.directory
        }
    }

    private static func content(_ state: State, _ name: String) throws(DiskError) -> MemoryContent {
        guard let content = state.directory[name] else {
            throw DiskError(kind: .notFound, message: "open: no such file", path: name)
        }
        return content
    }

    func update<Result>(_ body: (inout State) throws(DiskError) -> Result) throws(DiskError) -> Result {
        let result = state.withLockedValue { state in
            do throws(DiskError) {
                return Swift.Result<Result, DiskError>.success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// How often anything was synced.
    public var syncCount: Int { state.withLockedValue { $0.syncCount } }

    /// Lets one call fail, after so many that do not.
    public func inject(_ fault: Fault, afterCalls calls: Int = 0) { state.withLockedValue { $0.faults[fault] = calls } }

    /// Takes back all faults that have not happened yet.
    public func endFaults() { state.withLockedValue { $0.faults = [:] } }

    /// Loses power: of what was not synced, the seed decides sector by sector what survives.
    ///
    /// - Parameter seed: nil when nothing of it shall survive.
    public func crash(seed: UInt64?) {
        var coin = Coin(seed: seed)
        state.withLockedValue { state in
            state.generation += 1
            state.faults = [:]
            var survivors: [String: MemoryContent] = [:]
            for name in Set(state.directory.keys).union(state.durableDirectory.keys).sorted() {
                let isSettled = state.directory[name] === state.durableDirectory[name]
                let content = isSettled || !coin.toss() ? state.durableDirectory[name] : state.directory[name]
                survivors[name] = content
            }
            for name in survivors.keys.sorted() { survivors[name]?.crash(&coin) }
            state.directory = survivors
            state.durableDirectory = survivors
        }
    }

    /// All bytes of a file.
    public func contents(of name: String) -> [UInt8]? { state.withLockedValue { $0.directory[name]?.bytes } }

    /// Changes the bytes of a file as a failing disk would, durably.
    public func corrupt(_ name: String, _ change: (inout [UInt8]) -> Void) {
        state.withLockedValue { state in
            state.directory[name]?.corrupt(change)
        }
    }

    /// A disk with the same durable files.
    public func copy() -> MemoryDisk {
        let copy = MemoryDisk()
        let files = state.withLockedValue { $0.durableDirectory.mapValues { MemoryContent(copying: $0) } }
        copy.state.withLockedValue { state in
            state.directory = files
            state.durableDirectory = files
        }
        return copy
    }
}

/// Decides what a crash leaves.
struct Coin {
    private var random: SplitMix64?

    /// - Parameter seed: nil for a coin that always says no.
    init(seed: UInt64?) { random = seed.map { SplitMix64(seed: $0) } }

    mutating func toss() -> Bool { (random?.next() ?? 0) & 1 == 1 }
}
