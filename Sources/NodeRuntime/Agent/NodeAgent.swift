internal import Consensus
internal import MailModel
internal import NIOConcurrencyHelpers
internal import PeerTransport

/// What belongs to a node and not to one of its groups: how its cluster begins, what the directory is told of it, its
/// disk, its flushes. It asks the replica loops by typed messages, and shares with them only since when the log owes
/// each of them an answer (``LogProgress``).
///
/// One function, `turn()`. A thread calls it in a node, the simulator in a simulation. Nothing here blocks.
package final class NodeAgent {
    /// What the rooms of the agent may touch.
    package let desk: AgentDesk
    /// What other threads and other nodes have for the agent; drained at the beginning of a turn.
    package let inbox: Inbox<AgentInput>
    private(set) var founding: FoundingRoom
    private var registration: RegistrationRoom
    private var directory = DirectoryRoom()
    private var addedGroups: AddedGroupsRoom
    private var members = MembersRoom()
    var disk: DiskRoom
    private var upkeep = UpkeepRoom()
    private var survey = SurveyRoom()
    private var scheduler = SchedulerRoom()
    private var farewell = FarewellRoom()
    /// The identity as it is now, for other threads.
    let published: NIOLockedValueBox<NodeIdentity>
    private var lastTick: Int64

    init(
        at desk: AgentDesk,
        founding: FoundingRoom,
        addedGroups: AddedGroupsRoom,
        registration: RegistrationRoom,
        disk: DiskRoom
    ) {
        self.desk = desk
        self.founding = founding
        self.addedGroups = addedGroups
        self.registration = registration
        self.disk = disk
        inbox = desk.ways.inboxes.agent
        published = NIOLockedValueBox(founding.identity)
        lastTick = desk.nowMilliseconds
    }

    /// What this node knows of its data directory and of its cluster now.
    package var identity: NodeIdentity { founding.identity }

    /// Whether the directory has carried out what this run of the node had to say.
    package var isTold: Bool { registration.isOver }

    /// Takes what came, and ticks the rooms when a tick is due.
    ///
    /// - Returns: whether there was anything to do.
    @discardableResult
    package func turn() -> Bool {
        let inputs = inbox.drain()
        desk.nowMilliseconds = desk.clock.monotonicMilliseconds()
        for input in inputs { handOut(input) }
        return tickIfDue() || !inputs.isEmpty
    }

    /// How long a thread may sleep before the next tick is due.
    var millisecondsToNextTick: Int64 {
        max(0, lastTick + desk.settings.tickMilliseconds - desk.clock.monotonicMilliseconds())
    }

    private func handOut(_ input: AgentInput) {
        switch input {
        case .received(.introduction(let directory), let node):
            founding.receiveIntroduction(of: directory, from: node, desk)
        case .received(.founded(let founders, let mailGroups), _):
            founding.receiveFounding(by: founders, mailGroups: mailGroups, desk)
        case .received(.survey(let message), let node): survey.receiveMessage(message, from: node, desk)
        case .received: break
        case .founding(let input):
            if case .saved(let identity) = input { directory.noteFounding(identity, desk) }
            founding.finished(input, desk)
            published.withLockedValue { $0 = founding.identity }
            if case .saved(let identity) = input { addedGroups.noteSaved(identity, desk) }
        case .addedGroups(let input):
            // The loops must know a group before a replica of it begins.
            if case .read(let known?) = input { directory.publish(known, desk) }
            if let last = addedGroups.receive(input, as: identity, desk) { founding.note(begunUpTo: last, desk) }
        case .registration(let input): registration.finished(input, desk)
        case .directory(let input):
            directory.receive(input, desk)
            founding.noteContacts(in: desk.directory.now, desk)
        case .contacts(let contacts): directory.receiveContacts(contacts, desk)
        case .members(let group, let index, let configuration):
            members.note(configuration, of: group, at: index, desk)
        case .membersTold(let group, let index, let result): members.finished(result, of: group, at: index, desk)
        case .space(let space): disk.noteSpace(space, desk)
        case .calledGone(let node): farewell.noteGone(by: node, desk)
        case .survey(let input): survey.receive(input, desk)
        case .scheduler(let input): scheduler.receive(input, desk)
        case .logHasGrown: upkeep.noteGrownLog()
        case .upkeepIsOver: upkeep.finished()
        case .version(let version): noteVersion(version)
        }
    }

    /// Notes the version of the cluster that the directory's state here names. The version that is known already may be
    /// higher: that state may have been lost, and be on its way through the log again.
    private func noteVersion(_ version: ClusterVersion) {
        guard version > desk.version.cluster else { return }
        guard version <= desk.version.known.newest else {
            return desk.ways.failed(VersionError(cluster: version, known: desk.version.known))
        }
        desk.version.cluster = version
        desk.observers.membership?(.version(version))
    }

    private func tickIfDue() -> Bool {
        let elapsed = desk.nowMilliseconds - lastTick
        guard elapsed >= desk.settings.tickMilliseconds else { return false }
        if elapsed >= desk.settings.tickMilliseconds * Int64(CoreSettings.maximumTicksPerTurn + 1) {
            disk.noteResumed(desk)
        }
        lastTick = desk.nowMilliseconds
        founding.tick(desk)
        registration.tick(identity, desk)
        addedGroups.tick(identity, desk)
        members.tick(desk)
        disk.tick(desk)
        upkeep.tick(desk)
        survey.tick(desk)
        scheduler.tick(desk)
        return true
    }
}
