internal import MailModel

/// Names of mailboxes, as many, as long and as deep as they can be.
struct NameCosts {
    let rig: ApplyRig

    func run() throws {
        let anna = try rig.createAccount("anna")
        let branch = try deepName("b", bytes: 900)
        // Room for what is created below.
        let mailboxes = MailLimits.mailboxesPerAccount - 7_000
        for number in 0..<mailboxes {
            try rig.apply(.createMailbox(try name("\(branch)/\(number)"), specialUse: nil), of: anna)
        }
        for number in 0..<mailboxes { try rig.apply(.setSubscribed(try name("\(branch)/s\(number)"), true), of: anna) }
        try rig.settle()
        try rig.measure("CREATE with 31 levels above it", 200) { number in
            (anna, .createMailbox(try deepName("c\(number)", bytes: 1_000), specialUse: nil))
        }
        try rig.measure("SUBSCRIBE a name without a mailbox", 200) { number in
            (anna, .setSubscribed(try name("\(branch)/t\(number)"), true))
        }
        try rig.measure("UNSUBSCRIBE a name without a mailbox", 200) { number in
            (anna, .setSubscribed(try name("\(branch)/t\(number)"), false))
        }
        try rig.measure("DELETE of an empty mailbox, its subscription stays", 200) { number in
            let gone = try name("\(branch)/\(number)")
            try rig.apply(.setSubscribed(gone, true), of: anna)
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
        try rig.apply(.createMailbox(from, specialUse: nil), of: account)
        try rig.apply(.createMailbox(to, specialUse: nil), of: account)
        try rig.apply(.deleteMailbox(to), of: account)
        try rig.apply(.setSubscribed(from, true), of: account)
        try rig.apply(.setSubscribed(to, true), of: account)
        for number in 0..<count {
            try rig.apply(.createMailbox(try name("\(from)/\(number)"), specialUse: nil), of: account)
            for parent in [from, to] {
                try rig.apply(.setSubscribed(try name("\(parent)/\(number)"), true), of: account)
            }
        }
        try rig.settle()
        try rig.measure("RENAME of \(count + 1) names of \(bytes) bytes", 60) { number in
            (account, number % 2 == 0 ? .renameMailbox(from: from, to: to) : .renameMailbox(from: to, to: from))
        }
        for number in count...count + 1 {
            try rig.apply(.createMailbox(try name("\(from)/\(number)"), specialUse: nil), of: account)
        }
        try rig.measure("RENAME of more names of \(bytes) bytes, refused", 60, refusal: .tooManyDescendants) { _ in
            (account, .renameMailbox(from: from, to: to))
        }
    }

    /// A name of 31 levels: one may be below it.
    private func deepName(_ first: String, bytes: Int) throws -> MailboxName {
        var text = first
        for level in 1..<MailboxName.maximumDepth - 1 { text += "/\(level % 10)" }
        return try name(text + String(repeating: "x", count: max(0, bytes - text.utf8.count)))
    }
}
