internal import Consensus

/// All who use the cluster in a run.
struct Workload {
    private(set) var clients: [SimClient] = []
    private(set) var mtas: [SimMTA] = []
    private(set) var imapClients: [SimIMAPClient] = []
    /// Most runs have none.
    private(set) var surge: SimSurge?

    /// One of them.
    enum User {
        case client(Int)
        case mta(Int)
        case imapClient(Int)
        case surge
    }

    /// What somebody was promised and has not got.
    struct Complaint {
        let invariant: String
        let details: String
    }

    init() {}

    /// Everybody who will use this world; each schedules when it does something first.
    init(_ world: World, _ choice: inout SimRandom) {
        for number in 0..<world.options.clients {
            let group = world.groups[1 + number % world.options.mailGroups]
            clients.append(SimClient(number, group: group, random: choice.fork(), world: world))
        }
        for number in 0..<SimMTA.count { mtas.append(SimMTA(number, random: choice.fork(), world: world)) }
        for number in 0..<SimIMAPClient.count {
            guard let client = choice.pick(clients) else { continue }
            imapClients.append(SimIMAPClient(number, of: client, random: choice.fork(), world: world))
        }
        surge = SimSurge(world, random: choice.fork())
        for client in clients { world.schedule(.use(.client(client.number)), after: choice.between(0...200_000)) }
        for mta in mtas { world.schedule(.use(.mta(mta.number)), after: choice.between(0...400_000)) }
        for client in imapClients {
            world.schedule(.use(.imapClient(client.number)), after: choice.between(0...600_000))
        }
    }

    func act(_ user: User) {
        switch user {
        case .client(let number): clients[number].act()
        case .mta(let number): mtas[number].act()
        case .imapClient(let number): imapClients[number].act()
        case .surge: surge?.act()
        }
    }

    func nodeCrashed(_ position: Int) {
        for client in clients { client.nodeCrashed(position) }
        for mta in mtas { mta.nodeCrashed(position) }
        for client in imapClients { client.nodeCrashed(position) }
        surge?.nodeCrashed(position)
    }

    /// Connections and what belongs to them hold each other.
    func hangUp() {
        for mta in mtas { mta.hangUp() }
        for client in imapClients { client.hangUp() }
    }

    // MARK: The end of a run

    /// Who has succeeded at nothing that was begun since a time.
    func unserved(since time: Int64) -> Complaint? {
        if let mta = mtas.first(where: { $0.succeededAt <= time }) {
            return Complaint(invariant: "mail is delivered again after faults", details: "MTA \(mta.number)")
        }
        if let client = imapClients.first(where: { $0.succeededAt <= time }) {
            return Complaint(invariant: "sessions go on after faults", details: "IMAP client \(client.number)")
        }
        guard let client = clients.first(where: { $0.succeededAt <= time }) else { return nil }
        return Complaint(
            invariant: "calls succeed again after faults",
            details: "client \(client.number) at group \(client.group.rawValue)"
        )
    }

    /// Mail clients only watch from now on.
    func settle() { for client in imapClients { client.settle() } }

    var isSettled: Bool { imapClients.allSatisfy(\.isSettled) }

    /// Nobody begins anything more.
    func stop() {
        for client in clients { client.stop() }
        for mta in mtas { mta.stop() }
    }

    /// Whose last call or command is not answered.
    var unanswered: Complaint? {
        if let mta = mtas.first(where: \.isBusy) {
            return Complaint(invariant: "every recipient is answered", details: "MTA \(mta.number)")
        }
        if let client = clients.first(where: { $0.pending != nil }) {
            return Complaint(invariant: "every call is answered", details: "client \(client.number)")
        }
        if let client = imapClients.first(where: { !$0.isSettled }) {
            return Complaint(invariant: "every command is answered", details: "IMAP client \(client.number)")
        }
        guard surge?.isOver == false else { return nil }
        return Complaint(invariant: "every call is answered", details: "a surge is not over")
    }

    /// Who watches and does not know how things are.
    var untold: Complaint? {
        for client in imapClients {
            guard let untold = client.untold else { continue }
            return Complaint(
                invariant: "who idles is shown the mailbox",
                details: "IMAP client \(client.number): \(untold)"
            )
        }
        return clients.lazy.compactMap(\.untold).first.map { Complaint(invariant: "who watches is told", details: $0) }
    }
}
