internal import Consensus
internal import Glibc
internal import MailModel
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import PeerTransport

/// Why a node does not start. Each says what to do.
public struct StartupError: Error, Sendable, CustomStringConvertible {
    public let description: String
    /// What the program ends with. Something that starts it again can tell what a further start cannot mend.
    public let exitStatus: Int32

    public init(_ description: String, exitStatus: Int32 = 1) {
        self.description = description
        self.exitStatus = exitStatus
    }

    /// The data directory may not be used by this process (`EX_NOPERM` of sysexits.h).
    public static let noPermission: Int32 = 77
}

/// A node's directory: whose it is, and that nobody else uses it.
///
/// `identity` holds one line per fact, `key value`; it is replaced as a whole, by rename.
final class DataDirectory: Sendable, NodeIdentityStore {
    /// The newest that this program knows. Of those that can say what is to be said, the oldest is written.
    static let formatVersion = 3
    /// Says nothing of groups that were added.
    private static let formatOfFounding = 2

    struct Identity: Hashable {
        var formatVersion: Int
        var cluster: String
        var node: UInt64
        /// Names this directory, and the log in it.
        var logID: UInt64
        var mailGroups: UInt32
        var founders: [Founder] = []
        var isComplete = false
        /// Of a node that has joined a cluster: nodes that it can ask for the directory.
        var contacts: [JoinContact] = []
        /// See ``NodeIdentity/addedUpTo``.
        var addedUpTo = GroupID(0)
    }

    let path: String
    private let known: NIOLockedValueBox<Identity>
    /// Held while the identity is written.
    private let writing = NIOLock()
    private let lock: FileLock

    /// What the directory knows of itself.
    var identity: Identity { known.withLockedValue { $0 } }

    var logPath: String { path + "/log" }
    var statePath: String { path + "/state" }

    /// Opens the directory, or makes it.
    init(_ settings: NodeSettings, makeLogID: () -> UInt64) throws(StartupError) {
        path = settings.dataDirectory
        try Self.makeDirectory(path)
        lock = try FileLock(path + "/lock", of: path)
        if let text = try Self.read(path + "/identity") {
            var found = try Self.parse(text, path)
            try Self.check(found, settings)
            // As long as there is no cluster, how many groups it is to have may still be changed.
            if found.founders.isEmpty { found.mailGroups = settings.mailGroups }
            known = NIOLockedValueBox(found)
            try Self.makeDirectory(logPath)
            try Self.checkAccess(statePath)
        } else {
            guard try Self.isEmpty(path) else {
                throw StartupError(
                    "The data directory \(path) holds files that are not Staffetta's. Choose an empty directory "
                        + "(setting data.directory)."
                )
            }
            known = NIOLockedValueBox(
                Identity(
                    formatVersion: Self.formatOfFounding,
                    cluster: settings.cluster,
                    // The cluster gives a node that joins its number.
                    node: settings.join.isEmpty ? settings.node.rawValue : 0,
                    logID: makeLogID(),
                    mailGroups: settings.mailGroups
                )
            )
            // Before anything else is written: from here on all that is found here is this directory's.
            try write(identity)
            try Self.makeDirectory(logPath)
        }
    }

    /// What the node below its sockets has to know.
    var nodeIdentity: NodeIdentity {
        NodeIdentity(
            directory: identity.logID,
            mailGroups: identity.mailGroups,
            founders: identity.founders,
            isComplete: identity.isComplete,
            addedUpTo: identity.addedUpTo
        )
    }

    func save(_ changed: NodeIdentity) throws {
        try change { identity in
            identity.mailGroups = changed.mailGroups
            identity.founders = changed.founders
            identity.isComplete = changed.isComplete
            identity.addedUpTo = changed.addedUpTo
            // An older program would lose the note, and with it what keeps a replica from being begun twice.
            if identity.addedUpTo > GroupID(0) { identity.formatVersion = Self.formatVersion }
        }
    }

    func saveContacts(_ contacts: [JoinContact]) throws {
        try change { identity in
            if !identity.contacts.isEmpty { identity.contacts = contacts }
        }
    }

    /// Writes the identity with something else in it, if that makes a difference: one change after the other.
    private func change(_ body: (inout Identity) -> Void) throws(StartupError) {
        writing.lock()
        defer { writing.unlock() }
        var changed = identity
        body(&changed)
        guard changed != identity else { return }
        try write(changed)
        known.withLockedValue { $0 = changed }
    }

    /// Whether the directory is to join a cluster, and belongs to none yet.
    var isToJoin: Bool { identity.node == 0 }

    /// The cluster has let the directory in.
    func adopt(_ grant: JoinGrant) throws(StartupError) {
        try change { identity in
            identity.node = grant.node.rawValue
            identity.cluster = grant.cluster
            identity.mailGroups = grant.mailGroups
            identity.founders = grant.founders
            identity.contacts = grant.contacts
            identity.isComplete = true
        }
    }

    private func write(_ identity: Identity) throws(StartupError) {
        var text = """
            format \(identity.formatVersion)
            cluster \(identity.cluster)
            node \(identity.node)
            log \(identity.logID)
            mail-groups \(identity.mailGroups)

            """
        if !identity.founders.isEmpty {
            let founders = identity.founders.map { "\($0.node.rawValue)=\($0.directory)" }
            text += "founders \(founders.joined(separator: ","))\ncomplete \(identity.isComplete ? "yes" : "no")\n"
        }
        if !identity.contacts.isEmpty {
            let contacts = identity.contacts.map { "\($0.node.rawValue)=\($0.address)" }
            text += "contacts \(contacts.joined(separator: ","))\n"
        }
        if identity.addedUpTo > GroupID(0) { text += "added-up-to \(identity.addedUpTo.rawValue)\n" }
        try replace(path + "/identity", with: text)
    }

    /// Writes a file as a whole, durably.
    private func replace(_ name: String, with text: String) throws(StartupError) {
        let temporary = path + "/identity.new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw Self.failure("create", temporary) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            throw Self.failure("write", temporary)
        }
        guard rename(temporary, name) == 0 else { throw Self.failure("rename", temporary) }
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure("open", path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw Self.failure("sync", path) }
    }

    // MARK: A damaged state

    private var damagePath: String { path + "/state-damaged" }

    /// Why the state must not be used any more, if that was noted.
    func stateDamage() throws(StartupError) -> String? { try Self.read(damagePath) }

    /// Notes that the state must not be used any more: the next start gives it up.
    func noteStateDamage(_ reason: String) throws(StartupError) { try replace(damagePath, with: reason) }

    /// Removes the state's files, which lie in one directory.
    func removeState() throws(StartupError) {
        guard let directory = opendir(statePath) else {
            if errno == ENOENT { return }
            throw Self.failure("list", statePath)
        }
        defer { closedir(directory) }
        while let name = Self.nextName(directory) {
            guard name != ".", name != ".." else { continue }
            guard unlink(statePath + "/" + name) == 0 else { throw Self.failure("delete", statePath + "/" + name) }
        }
    }

    /// The new state is in place.
    func forgetStateDamage() throws(StartupError) {
        guard unlink(damagePath) == 0 || errno == ENOENT else { throw Self.failure("delete", damagePath) }
    }

    private static func check(_ identity: Identity, _ settings: NodeSettings) throws(StartupError) {
        let path = settings.dataDirectory
        guard identity.formatVersion <= formatVersion else {
            throw StartupError(
                "The data directory \(path) has format \(identity.formatVersion); this program knows up to "
                    + "\(formatVersion). Start the newer version that wrote it."
            )
        }
        guard identity.formatVersion >= formatOfFounding else {
            throw StartupError(
                "The data directory \(path) has format \(identity.formatVersion), from before the first release; this "
                    + "program knows \(formatVersion). Begin with an empty directory."
            )
        }
        // What a node that has joined is called, and where, it was told by the cluster.
        guard identity.contacts.isEmpty else { return }
        guard identity.node != 0 || !settings.join.isEmpty else {
            throw StartupError(
                "The data directory \(path) was to join a cluster, which has not let it in yet. Set join and "
                    + "join-token, or begin with an empty directory (setting data.directory)."
            )
        }
        guard identity.cluster == settings.cluster else {
            throw StartupError(
                "The data directory \(path) belongs to cluster \"\(identity.cluster)\", not \"\(settings.cluster)\". "
                    + "Check the settings cluster.name and data.directory."
            )
        }
        guard identity.node == 0 || identity.node == settings.node.rawValue else {
            throw StartupError(
                "The data directory \(path) belongs to node \(identity.node), not \(settings.node.rawValue). "
                    + "Check the settings node.id and data.directory."
            )
        }
        guard identity.founders.isEmpty || identity.mailGroups == settings.mailGroups else {
            throw StartupError(
                "The cluster was founded with \(identity.mailGroups) groups, and the setting cluster.groups says "
                    + "\(settings.mailGroups). The number cannot change: set cluster.groups to \(identity.mailGroups)."
            )
        }
    }

    private static func parse(_ text: String, _ path: String) throws(StartupError) -> Identity {
        var facts: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { facts[parts[0]] = parts[1] }
        }
        guard let format = facts["format"].flatMap({ Int($0) }) else {
            throw StartupError("\(path)/identity cannot be read: it names no format. Restore it from a backup.")
        }
        if format > formatVersion {
            return Identity(formatVersion: format, cluster: "", node: 0, logID: 0, mailGroups: 0)
        }
        guard let cluster = facts["cluster"], let node = facts["node"].flatMap({ UInt64($0) }),
            let log = facts["log"].flatMap({ UInt64($0) }), let groups = facts["mail-groups"].flatMap({ UInt32($0) })
        else { throw StartupError("\(path)/identity is incomplete. Restore it from a backup.") }
        guard format < formatVersion || facts["added-up-to"].flatMap({ UInt32($0) }) != nil else {
            throw StartupError("\(path)/identity is incomplete. Restore it from a backup.")
        }
        return Identity(
            formatVersion: format,
            cluster: String(cluster),
            node: node,
            logID: log,
            mailGroups: groups,
            founders: try founders(facts["founders"] ?? "", path),
            isComplete: facts["complete"] == "yes",
            contacts: try contacts(facts["contacts"] ?? "", path),
            addedUpTo: GroupID(facts["added-up-to"].flatMap { UInt32($0) } ?? 0)
        )
    }

    private static func contacts(_ text: Substring, _ path: String) throws(StartupError) -> [JoinContact] {
        var contacts: [JoinContact] = []
        for item in text.split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let node = UInt64(parts[0]) else {
                throw StartupError("\(path)/identity names contacts that cannot be read. Restore it from a backup.")
            }
            contacts.append(JoinContact(node: NodeID(node), address: String(parts[1])))
        }
        return contacts
    }

    private static func founders(_ text: Substring, _ path: String) throws(StartupError) -> [Founder] {
        var founders: [Founder] = []
        for item in text.split(separator: ",") {
            let parts = item.split(separator: "=")
            guard parts.count == 2, let node = UInt64(parts[0]), let directory = UInt64(parts[1]) else {
                throw StartupError("\(path)/identity names founders that cannot be read. Restore it from a backup.")
            }
            founders.append(Founder(node: NodeID(node), directory: directory))
        }
        return founders
    }

    // MARK: Files

    private static func failure(_ verb: String, _ path: String) -> StartupError {
        let code = errno
        let sentence = "Cannot \(verb) \(path): \(String(cString: strerror(code)))."
        switch code {
        case EACCES, EPERM:
            let (user, group) = (geteuid(), getegid())
            return StartupError(
                sentence + " The data directory and all in it must belong to the user that runs this program, uid "
                    + "\(user): as root, chown -R \(user):\(group) the directory that the setting data.directory names "
                    + "(for a container, the directory or volume of the host that is mounted there).",
                exitStatus: StartupError.noPermission
            )
        case EROFS:
            return StartupError(
                sentence + " Mount it so that it can be written, or check the setting data.directory.",
                exitStatus: StartupError.noPermission
            )
        default: return StartupError(sentence + " Check the setting data.directory.")
        }
    }

    private static func makeDirectory(_ path: String) throws(StartupError) {
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw failure("create", path) }
        try checkAccess(path)
    }

    /// A directory that is there can be read and written.
    private static func checkAccess(_ path: String) throws(StartupError) {
        var status = stat()
        if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
            errno = ENOTDIR
            throw failure("use", path)
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 || errno == ENOENT else { throw failure("write to", path) }
    }

    /// Held as long as this lives: also a directory that is refused after it was locked is let go.
    private final class FileLock: Sendable {
        private let file: Int32

        init(_ path: String, of directory: String) throws(StartupError) {
            file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
            guard file >= 0 else { throw DataDirectory.failure("create", path) }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                throw StartupError("The data directory \(directory) is in use by another process.")
            }
        }

        deinit { if file >= 0 { close(file) } }
    }

    private static func read(_ path: String) throws(StartupError) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 {
            if errno == ENOENT { return nil }
            throw failure("open", path)
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw failure("read", path) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Nothing but what an earlier, unfinished start may have left.
    private static func isEmpty(_ path: String) throws(StartupError) -> Bool {
        guard let directory = opendir(path) else { throw failure("list", path) }
        defer { closedir(directory) }
        while let name = nextName(directory) {
            guard [".", "..", "lock", "identity.new", "log", "state", "lost+found"].contains(name) else { return false }
        }
        return true
    }

    private static func nextName(_ directory: OpaquePointer) -> String? {
        guard let entry = readdir(directory) else { return nil }
        return withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
    }
}
