internal import MailModel

/// The command that has begun and waits for the store, the client or the rest of its message.
enum CommandUnderWay {
    case none
    case append(AppendWork)
    case copy(CopyWork)
    case expunge(ExpungeWork)
    case fetch(FetchWork)
    case list(ListWork)
    case search(SearchWork)
    case select(SelectWork)
    case store(StoreWork)
}

/// A command that takes several steps: what it has done, and what is left.
///
/// The session keeps the work between two steps and takes it out for each of them, so that a step changes arrays that
/// nothing else refers to: a command may name a million messages.
protocol CommandWork {
    /// The work as the session keeps it.
    var underWay: CommandUnderWay { get }
    /// Whether no further step comes: the command was answered, or only its answer is left.
    var isDone: Bool { get }

    /// The work that the session kept; nil when a command of another kind is under way.
    init?(_ command: CommandUnderWay)
}

extension CommandWork {
    /// Asks the store; the next step gets its answer.
    func query(
        _ query: MailQuery,
        in session: inout Session,
        _ next: @escaping (inout Self, inout Session, Result<MailAnswer, ServiceFailure>) -> Void
    ) {
        session.query(query) { session, result in
            session.continueWork { (work: inout Self, session) in next(&work, &session, result) }
        }
    }

    /// Has the store change something; the next step gets the outcome.
    func submit(
        _ command: MailCommand,
        in session: inout Session,
        _ next: @escaping (inout Self, inout Session, Result<MailOutcome, ServiceFailure>) -> Void
    ) {
        session.submit(command) { session, result in
            session.continueWork { (work: inout Self, session) in next(&work, &session, result) }
        }
    }

    /// Lets other connections have a turn; the next step comes when the client takes bytes.
    func giveWay(in session: inout Session, _ next: @escaping (inout Self, inout Session) -> Void) {
        session.giveWay { $0.continueWork(next) }
    }
}

/// A command that reads the rows of messages, some at a time.
protocol DetailsWork: CommandWork {
    var tag: String { get }
    var isDone: Bool { get set }
    /// Rows that the store gave, the next one last.
    var details: [MessageDetails] { get set }
    /// How many rows are asked for at once.
    var detailsPerQuery: Int { get set }
    /// Which bytes of each message are asked for with its row.
    var leading: LeadingBytes { get }
}

extension DetailsWork {
    /// Asks the store for rows. The next step finds them in `details`; without them the command ends.
    func queryDetails(
        of uids: UIDSet,
        in mailbox: MailboxID,
        in session: inout Session,
        _ next: @escaping (inout Self, inout Session) -> Void
    ) {
        query(.details(mailbox, uids, leading: leading), in: &session) { work, session, result in
            switch result {
            case .success(.details(let rows)):
                work.details = rows.reversed()
                work.detailsPerQuery = SessionLimits.detailsPerQuery(after: rows)
                next(&work, &session)
            case .success:
                work.isDone = true
                session.failUnexpectedly(work.tag)
            case .failure(let failure):
                work.isDone = true
                session.fail(work.tag, failure)
            }
        }
    }
}

extension Session {
    /// Does the first step of a command. The session keeps the work unless that was all.
    mutating func beginWork<Work: CommandWork>(_ work: Work, _ step: (inout Work, inout Session) -> Void) {
        var work = work
        step(&work, &self)
        if !work.isDone { underWay = work.underWay }
    }

    /// Does a further step of the command under way.
    mutating func continueWork<Work: CommandWork>(_ step: (inout Work, inout Session) -> Void) {
        guard var work = Work(underWay) else { preconditionFailure("another command is under way") }
        // From here on nothing but `work` refers to its arrays, so that the step changes them in place.
        underWay = .none
        step(&work, &self)
        if !work.isDone { underWay = work.underWay }
    }
}
