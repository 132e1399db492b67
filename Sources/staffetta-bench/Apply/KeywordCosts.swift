internal import MailModel

/// As many keywords as there can be, of which all give their numbers to others.
struct KeywordCosts {
    let rig: ApplyRig

    func run() throws {
        let anna = try rig.createAccount("anna")
        let count = MailLimits.messagesPerStore
        try rig.append(count, to: .inbox, of: anna)
        let inbox = try rig.mailbox(.inbox, of: anna).id
        let all = row(0, of: count)
        let limit = MailLimits.keywordsPerMailbox
        let step = MailLimits.keywordsPerCommand
        var next = 0
        func fresh() -> [String] {
            next += step
            return keywords(next..<next + step)
        }
        func refill() throws {
            try rig.apply(store(in: inbox, uids: all, operation: .replace), of: anna)
            for _ in stride(from: 0, to: limit, by: step) {
                try rig.apply(store(in: inbox, uids: all, operation: .add, keywords: fresh()), of: anna)
            }
        }
        try rig.measure("STORE +FLAGS, 256 new keywords, \(count)", 40) { _ in
            try refill()
            try rig.apply(
                store(in: inbox, uids: all, operation: .replace, keywords: keywords(next..<next + step)),
                of: anna
            )
            return (anna, store(in: inbox, uids: all, operation: .add, keywords: fresh()))
        }
        try rig.measure("STORE FLAGS, 512 keywords to 256 new ones, no room, \(count)", 40) { _ in
            try refill()
            return (anna, store(in: inbox, uids: all, operation: .replace, keywords: fresh()))
        }
        try refill()
        try rig.measure("APPEND with 256 of 512 keywords", 200) { _ in
            let flags = FlagNames(keywords: keywords(next..<next + step))
            return (anna, .append(rig.message(flags), to: .inbox))
        }
        try rig.measure("APPEND with 256 new keywords, no room", 200) { _ in
            (anna, .append(rig.message(FlagNames(keywords: fresh())), to: .inbox))
        }
        let other = try name("other")
        try rig.apply(.createMailbox(other, specialUse: nil), of: anna)
        try rig.append(1, to: other, of: anna)
        let otherID = try rig.mailbox(other, of: anna).id
        for first in stride(from: 0, to: limit, by: step) {
            try rig.apply(
                store(in: otherID, uids: row(0, of: 1), operation: .add, keywords: keywords(first..<first + step, "o")),
                of: anna
            )
        }
        try rig.measure("COPY, 512 keywords, no room in the target", 40) { number in
            (anna, .copy(inbox, row(number % 3, of: MailLimits.messagesPerCopy), to: other))
        }
    }
}
