internal import MailModel

/// Names of mailboxes, as many, as long and as deep as they can be.
extension ApplyRig {
    func measureNames() throws {
        let anna = try createAccount("anna")
        let branch = try deepName("b", bytes: 900)
        // Room for what is created below.
        let mailboxes = MailLimits.mailboxesPerAccount - 7_000
        for number in 0..<mailboxes {
            try apply(.createMailbox(try name("\(branch)/\(number)"), specialUse: nil), of: anna)
        }
        for number in 0..<mailboxes { try apply(.setSubscribed(try name("\(branch)/s\(number)"), true), of: anna) }
        try settle()
        try measure("CREATE with 31 levels above it", 200) { number in
            (anna, .createMailbox(try deepName("c\(number)", bytes: 1_000), specialUse: nil))
        }
        try measure("SUBSCRIBE a name without a mailbox", 200) { number in
            (anna, .setSubscribed(try name("\(branch)/t\(number)"), true))
        }
        try measure("UNSUBSCRIBE a name without a mailbox", 200) { number in
            (anna, .setSubscribed(try name("\(branch)/t\(number)"), false))
        }
        try measure("DELETE of an empty mailbox, its subscription stays", 200) { number in
            let gone = try name("\(branch)/\(number)")
            try apply(.setSubscribed(gone, true), of: anna)
            return (anna, .deleteMailbox(gone))
        }
        for bytes in [60, 980] { try measureTree(anna, bytes) }
    }

    /// Each name in the tree is subscribed, under its old parent and the new one: so it is again after each RENAME.
    private func measureTree(_ account: AccountID, _ bytes: Int) throws {
        let from = try deepName("from\(bytes)", bytes: bytes)
        let to = try deepName("to\(bytes)", bytes: bytes)
        // With what stands around a name in its key, and behind the parent in the name.
        let count = min(MailLimits.mailboxesPerRename, MailLimits.nameBytesPerRename / (from.text.utf8.count + 18))
        try apply(.createMailbox(from, specialUse: nil), of: account)
        try apply(.createMailbox(to, specialUse: nil), of: account)
        try apply(.deleteMailbox(to), of: account)
        try apply(.setSubscribed(from, true), of: account)
        try apply(.setSubscribed(to, true), of: account)
        for number in 0..<count {
            try apply(.createMailbox(try name("\(from)/\(number)"), specialUse: nil), of: account)
            for parent in [from, to] { try apply(.setSubscribed(try name("\(parent)/\(number)"), true), of: account) }
        }
        try settle()
        try measure("RENAME of \(count + 1) names of \(bytes) bytes", 60) { number in
            (account, number % 2 == 0 ? .renameMailbox(from: from, to: to) : .renameMailbox(from: to, to: from))
        }
        for number in count...count + 1 {
            try apply(.createMailbox(try name("\(from)/\(number)"), specialUse: nil), of: account)
        }
        try measure("RENAME of more names of \(bytes) bytes, refused", 60, refusal: .tooManyDescendants) { _ in
            (account, .renameMailbox(from: from, to: to))
        }
    }

    /// A name of 31 levels: one may be below it.
    private func deepName(_ first: String, bytes: Int) throws -> MailboxName {
        var text = first
        for level in 1..<MailboxName.maximumDepth - 1 { text += "/\(level % 10)" }
        return try name(text + String(repeating: "x", count: max(0, bytes - text.utf8.count)))
    }

    // MARK: Group 0

    func measureDirectory() throws {
        let none = AccountID(0)
        let version = ClusterVersion.first
        let founders = (1...1_000).map { Founder(node: NodeID(UInt64($0)), directory: 1) }
        try measure("directory: the cluster is founded", 50) { _ in
            (none, .directory(.found(clusterID: 1, mailGroups: 16_384, version: version, founders: founders)))
        }
        let labels = (0..<100).map { NodeDescription.Label(key: "label \($0)", value: "value") }
        try measure("directory: a node with 100 labels registers", 1_000) { number in
            let node = NodeDescription(
                id: UInt64(number + 1),
                peerAddress: "10.0.0.1:1",
                labels: labels,
                versions: KnownVersions(version, ClusterVersion(rawValue: .max))
            )
            return (none, .directory(.registerNode(node, run: 1)))
        }
        try settle()
        try measure("directory: the version is raised, 1,000 nodes", 50) { number in
            (none, .directory(.raiseVersion(ClusterVersion(rawValue: version.rawValue + 1 + UInt8(number)))))
        }
    }
}
