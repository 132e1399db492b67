import Consensus
import MailModel
import MailTestSupport
import PeerTransport
import Testing

@testable import NodeRuntime

/// Whose a data directory is, and that nobody else uses it.
@Suite struct DataDirectoryTests {
    private let temporary = TemporaryDirectory()

    private func settings(_ change: (inout NodeSettings) -> Void = { _ in }) -> NodeSettings {
        var settings = NodeSettings(node: NodeID(7), cluster: "posta", dataDirectory: temporary.path)
        change(&settings)
        return settings
    }

    private func open(_ change: (inout NodeSettings) -> Void = { _ in }) throws -> DataDirectory {
        try DataDirectory(settings(change)) { 4_711 }
    }

    /// Why the directory does not open.
    private func refusal(_ change: (inout NodeSettings) -> Void = { _ in }) -> StartupError? {
        do {
            _ = try open(change)
            return nil
        } catch {
            return error as? StartupError
        }
    }

    private static let identity = "format 2\ncluster posta\nnode 7\nlog 99\nmail-groups 8\n"

    @Test func `a new directory is this node's from then on`() throws {
        let directory = try open { $0.mailGroups = 3 }
        #expect(
            directory.identity
                == DataDirectory.Identity(formatVersion: 2, cluster: "posta", node: 7, logID: 4_711, mailGroups: 3)
        )
        #expect(temporary.read("identity") == "format 2\ncluster posta\nnode 7\nlog 4711\nmail-groups 3\n")
        #expect(temporary.names() == ["identity", "lock", "log"])
        #expect(directory.nodeIdentity == NodeIdentity(directory: 4_711, mailGroups: 3))
        #expect(directory.logPath == temporary.path + "/log" && directory.statePath == temporary.path + "/state")
    }

    /// An older program would lose what is noted of groups that were added: from then on it refuses the directory.
    @Test func `that groups were added is kept, in a newer format`() throws {
        do {
            let directory = try open { $0.mailGroups = 3 }
            var identity = directory.nodeIdentity
            #expect(identity.begunUpTo == GroupID(3))
            identity.founders = [Founder(node: NodeID(7), directory: 4_711)]
            identity.isComplete = true
            try directory.save(identity)
            #expect(temporary.read("identity")?.hasPrefix("format 2\n") == true)
            identity.addedUpTo = GroupID(9)
            try directory.save(identity)
            #expect(directory.nodeIdentity == identity && identity.begunUpTo == GroupID(9))
        }
        let text = try #require(temporary.read("identity"))
        #expect(text.hasPrefix("format 3\n") && text.hasSuffix("\nadded-up-to 9\n"))
        #expect(try open { $0.mailGroups = 3 }.nodeIdentity.addedUpTo == GroupID(9))
        temporary.write("identity", text.replacing("added-up-to 9\n", with: ""))
        #expect(refusal { $0.mailGroups = 3 }?.description.contains("is incomplete") == true)
    }

    @Test func `a directory that does not exist is made, without those above`() throws {
        let path = temporary.path + "/data"
        _ = try open { $0.dataDirectory = path }
        #expect(temporary.exists("data/identity"))
        #expect(refusal { $0.dataDirectory = path + "/a/b" }?.description.contains("Cannot create \(path)/a/b") == true)
    }

    @Test func `what was found is kept`() throws {
        _ = try open()
        let again = try DataDirectory(settings()) {
            Issue.record("the log has its name")
            return 1
        }
        #expect(again.identity.logID == 4_711)
    }

    /// Two processes in one directory would write over each other.
    @Test func `nobody else opens a directory that is in use`() throws {
        let first = try open()
        #expect(refusal()?.description == "The data directory \(temporary.path) is in use by another process.")
        try withExtendedLifetime(first) { try first.save(first.nodeIdentity) }
    }

    @Test func `a directory that was let go can be opened`() throws {
        do { _ = try open() }
        _ = try open()
    }

    @Test(arguments: ["mail.db", "identity.old", ".hidden"])
    func `files of others are left alone`(_ name: String) {
        temporary.write(name, "precious")
        #expect(refusal()?.description.contains("holds files that are not Staffetta's") == true)
        #expect(temporary.read(name) == "precious" && !temporary.exists("identity"))
    }

    /// A first start may have ended at any point; file systems put a directory of their own there.
    @Test func `what an unfinished start left is no obstacle`() throws {
        temporary.write("lock", "")
        temporary.write("identity.new", "form")
        for name in ["log", "state", "lost+found"] { temporary.makeDirectory(name) }
        #expect(try open().identity.logID == 4_711)
    }

    // MARK: Whose it is

    struct Mismatch: Sendable, CustomTestStringConvertible {
        let identity: String
        /// What the reason names: what is wrong, and what to do.
        let words: [String]
        var testDescription: String { identity.split(separator: "\n").joined(separator: ", ") }
    }

    static let mismatches: [Mismatch] = [
        Mismatch(
            identity: "format 2\ncluster poste\nnode 7\nlog 99\nmail-groups 8\n",
            words: ["belongs to cluster \"poste\", not \"posta\"", "cluster.name", "data.directory"]
        ),
        Mismatch(
            identity: "format 2\ncluster posta\nnode 8\nlog 99\nmail-groups 8\n",
            words: ["belongs to node 8, not 7", "node.id", "data.directory"]
        ),
        Mismatch(identity: "format 4\n", words: ["has format 4", "up to 3", "newer version"]),
        Mismatch(
            identity: "format 4\ncluster x\nnode 1\nlog 1\nmail-groups 1\nfounders ?\n",
            words: ["has format 4", "newer version"]
        ),
        Mismatch(
            identity: "format 1\ncluster posta\nnode 7\nlog 99\nmail-groups 8\n",
            words: ["format 1", "before the first release"]
        ),
        Mismatch(
            identity: identity.replacingGroups("4") + "founders 7=99\ncomplete yes\n",
            words: ["founded with 4 groups", "says 8", "cluster.groups to 4"]
        ),
        Mismatch(identity: "", words: ["names no format", "backup"]),
        Mismatch(identity: "cluster posta\nnode 7\n", words: ["names no format", "backup"]),
        Mismatch(identity: "format two\n", words: ["names no format", "backup"]),
        Mismatch(identity: "format 2\ncluster posta\nnode 7\nlog 99\n", words: ["incomplete", "backup"]),
        Mismatch(
            identity: "format 2\ncluster posta\nnode x\nlog 99\nmail-groups 8\n",
            words: ["incomplete", "backup"]
        ),
        Mismatch(
            identity: "format 2\ncluster posta\nnode 7\nlog -1\nmail-groups 8\n",
            words: ["incomplete", "backup"]
        ),
        Mismatch(identity: identity + "founders 7\n", words: ["founders that cannot be read", "backup"]),
        Mismatch(identity: identity + "founders 7=99,x=1\n", words: ["founders that cannot be read", "backup"]),
        Mismatch(identity: identity + "founders 7=99,8=1=2\n", words: ["founders that cannot be read", "backup"]),
    ]

    @Test(arguments: mismatches)
    func `a directory that is not this node's, or damaged, is refused with a reason`(_ mismatch: Mismatch) throws {
        temporary.write("identity", mismatch.identity)
        let reason = try #require(refusal()).description
        for word in mismatch.words { #expect(reason.contains(word), "\(reason)") }
        #expect(reason.contains(temporary.path) || reason.contains("cluster.groups"))
        #expect(temporary.read("identity") == mismatch.identity, "nothing is written over it")
    }

    /// As long as there is no cluster, the number of groups is a setting like others.
    @Test func `before the cluster is founded its groups may change`() throws {
        temporary.write("identity", Self.identity)
        #expect(try open { $0.mailGroups = 5 }.identity.mailGroups == 5)
        temporary.write("identity", Self.identity + "founders 7=99\ncomplete no\n")
        #expect(refusal { $0.mailGroups = 5 } != nil)
        #expect(try open { $0.mailGroups = 8 }.identity.mailGroups == 8)
    }

    @Test func `what a cluster is founded with is kept`() throws {
        do {
            let directory = try open()
            var identity = directory.nodeIdentity
            identity.founders = [Founder(node: NodeID(3), directory: 12), Founder(node: NodeID(7), directory: 4_711)]
            try directory.save(identity)
            #expect(temporary.read("identity")?.hasSuffix("founders 3=12,7=4711\ncomplete no\n") == true)
        }
        do {
            let directory = try open()
            var identity = directory.nodeIdentity
            #expect(identity.founders.map(\.directory) == [12, 4_711] && !identity.isComplete)
            identity.isComplete = true
            try directory.save(identity)
        }
        #expect(try open().nodeIdentity.isComplete)
        #expect(!temporary.exists("identity.new"))
    }

    @Test func `names in an identity may hold blanks`() throws {
        temporary.write("identity", "format 2\ncluster la posta\nnode 7\nlog 99\nmail-groups 8\nfuture x y z\n")
        #expect(try open { $0.cluster = "la posta" }.identity.cluster == "la posta")
    }

    // MARK: Paths that cannot be used

    @Test(arguments: ["log", "state", "lock"])
    func `something else in the place of a directory or file`(_ name: String) {
        temporary.write("identity", Self.identity)
        if name == "lock" { temporary.makeDirectory(name) } else { temporary.write(name, "a file") }
        let reason = refusal()?.description ?? ""
        #expect(reason.contains("\(temporary.path)/\(name)") && reason.contains("data.directory"), "\(reason)")
    }

    @Test func `a file in the place of the directory`() {
        temporary.write("data", "a file")
        let path = temporary.path + "/data"
        #expect(refusal { $0.dataDirectory = path }?.description.hasPrefix("Cannot use \(path): ") == true)
    }

    // MARK: A damaged state

    @Test func `that the state is damaged is noted until it was built anew`() throws {
        temporary.makeDirectory("state")
        for name in ["000001.sst", "CURRENT"] { temporary.write("state/\(name)", "x") }
        do {
            let directory = try open()
            #expect(try directory.stateDamage() == nil)
            try directory.noteStateDamage("a bad block")
            try directory.noteStateDamage("another bad block")
        }
        let directory = try open()
        #expect(try directory.stateDamage() == "another bad block")
        try directory.removeState()
        #expect(temporary.names(in: "state") == [])
        try directory.removeState()
        #expect(try directory.stateDamage() != nil, "until the new state is in place")
        try directory.forgetStateDamage()
        #expect(try directory.stateDamage() == nil)
        try directory.forgetStateDamage()
    }

    @Test func `a state that is not there can be removed`() throws {
        try open().removeState()
    }

    @Test func `a state that cannot be removed is an error`() throws {
        temporary.makeDirectory("state")
        temporary.makeDirectory("state/unexpected")
        let directory = try open()
        #expect { try directory.removeState() } throws: {
            "\($0)".contains("Cannot delete \(temporary.path)/state/unexpected")
        }
    }

    // MARK: Joining

    private static let grant = JoinGrant(
        node: NodeID(9),
        cluster: "other",
        mailGroups: 3,
        founders: [Founder(node: NodeID(1), directory: 5)],
        contacts: [JoinContact(node: NodeID(1), address: "[::1]:14000")]
    )

    @Test func `a directory that joins is what the cluster says`() throws {
        let join: (inout NodeSettings) -> Void = { $0.join = [HostPort("a:1")!] }
        let directory = try open(join)
        #expect(directory.isToJoin && directory.identity.node == 0)
        try directory.adopt(Self.grant)
        #expect(!directory.isToJoin)
        #expect(directory.nodeIdentity.isComplete && directory.nodeIdentity.founders == Self.grant.founders)
        let text = temporary.read("identity")
        #expect(text?.contains("node 9\n") == true && text?.contains("contacts 1=[::1]:14000\n") == true)
    }

    /// Whatever the settings say of its number and its cluster, with or without `join`.
    @Test func `a directory that has joined stays what it is`() throws {
        do {
            try open { $0.join = [HostPort("a:1")!] }.adopt(Self.grant)
        }
        for join in [[], [HostPort("b:2")!]] {
            let again = try open { $0.join = join }
            #expect(!again.isToJoin && again.identity.node == 9 && again.identity.cluster == "other")
            #expect(again.identity.contacts == Self.grant.contacts && again.identity.mailGroups == 3)
        }
    }

    @Test func `whom to ask is noted anew`() throws {
        let others = [JoinContact(node: NodeID(7), address: "g:1"), JoinContact(node: NodeID(8), address: "[::1]:2")]
        do {
            let directory = try open { $0.join = [HostPort("a:1")!] }
            try directory.adopt(Self.grant)
            var changed = directory.nodeIdentity
            changed.addedUpTo = GroupID(5)
            try directory.save(changed)
            try directory.saveContacts(others)
        }
        let again = try open()
        #expect(again.identity.contacts == others && again.identity.addedUpTo == GroupID(5))
    }

    /// Where it finds the others, its settings say.
    @Test func `a founder's directory names nobody`() throws {
        let directory = try open()
        try directory.saveContacts(Self.grant.contacts)
        #expect(directory.identity.contacts == [])
    }

    @Test func `a directory that was not let in yet says so`() throws {
        do {
            _ = try open { $0.join = [HostPort("a:1")!] }
        }
        #expect(try open { $0.join = [HostPort("b:2")!] }.isToJoin, "asked elsewhere")
        #expect(refusal()?.description.contains("was to join a cluster") == true)
    }
}

extension String {
    fileprivate func replacingGroups(_ count: String) -> String {
        split(separator: "\n").map { $0.hasPrefix("mail-groups") ? "mail-groups \(count)" : String($0) }
            .joined(separator: "\n") + "\n"
    }
}
