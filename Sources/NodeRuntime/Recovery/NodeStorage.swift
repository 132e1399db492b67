internal import LogStorage
internal import Logging
internal import MailStore
internal import StateStorage

/// Log and state of a data directory, opened and brought together.
struct NodeStorage {
    let log: any LogStore
    let state: any StateStore
    let groups: RecoveredGroups

    /// - Throws: ``StartupError``.
    static func open(
        _ directory: DataDirectory,
        settings: NodeSettings,
        logger: Logger
    ) throws -> NodeStorage {
        do {
            // What turns out to be damaged is noted; then everything is opened again, without it.
            if let storage = try openOnce(directory, settings: settings, logger: logger) { return storage }
            if let storage = try openOnce(directory, settings: settings, logger: logger) { return storage }
            throw StartupError("The state in \(directory.statePath) was given up, and the new one is damaged as well.")
        } catch let error as StartupError {
            throw error
        } catch {
            throw StartupError("The data in \(directory.path) cannot be opened: \(error)")
        }
    }

    /// Nil when the state turned out to be damaged, which is noted by then.
    private static func openOnce(
        _ directory: DataDirectory,
        settings: NodeSettings,
        logger: Logger
    ) throws -> NodeStorage? {
        let (log, recovered) = try SegmentedLog.open(
            disk: try PosixDisk(path: directory.logPath),
            settings: LogSettings(logID: directory.identity.logID)
        )
        var rocks = RocksSettings.ofMail
        rocks.writeBufferBytes = settings.stateMemoryBytes
        rocks.segmentBytes = min(settings.stateMemoryBytes, RocksSettings.maximumSegmentBytes)
        if let reason = try directory.stateDamage() {
            logger.error("the state of this node is given up, and built anew from the others: \(reason)")
            let state = try beginState(of: recovered, in: directory, settings: rocks, because: reason)
            return NodeStorage(
                log: log,
                state: state,
                groups: try GroupRecovery(log: log, state: state).open(recovered)
            )
        }
        var state: (any StateStore)?
        do {
            let opened = try RocksStateStore(path: directory.statePath, settings: rocks)
            state = opened
            let groups = try GroupRecovery(log: log, state: opened).open(recovered)
            return NodeStorage(log: log, state: opened, groups: groups)
        } catch let error as StateError {
            state?.close()
            guard error.kind == .corruption else { throw error }
            try directory.noteStateDamage("\(error)")
            return nil
        }
    }

    /// Puts an empty state in the place of a damaged one, for groups that other nodes have copies of.
    ///
    /// - Throws: ``StartupError`` where a group has no copy elsewhere; the errors of the file system and of RocksDB.
    private static func beginState(
        of recovered: [RecoveredGroup],
        in directory: DataDirectory,
        settings: RocksSettings,
        because reason: String
    ) throws -> any StateStore {
        try StateRecovery.checkCopies(of: recovered, statePath: directory.statePath, damage: reason)
        try directory.removeState()
        let state = try RocksStateStore(path: directory.statePath, settings: settings)
        try StateRecovery.beginAnew(recovered, in: state)
        try directory.forgetStateDamage()
        return state
    }

    /// The node below its sockets, over this storage.
    ///
    /// - Throws: ``StartupError``. That the state is damaged is noted by then.
    func core(in directory: DataDirectory, _ environment: NodeCore.Environment) throws -> NodeCore {
        do {
            return try NodeCore(environment, log: log, state: state, recovered: groups)
        } catch let error as StateError where error.kind == .corruption {
            try directory.noteStateDamage("\(error)")
            throw StartupError("\(error). Start this node again: it will build its state anew from the others.")
        } catch let error as VersionError {
            throw StartupError("The data in \(directory.path) cannot be used: \(error)")
        } catch {
            throw StartupError("The data in \(directory.path) cannot be opened: \(error)")
        }
    }
}
