/// The rooms of a replica loop: each owns the state of one concern, and sees of the others nothing but what lies on the
/// ``Floor``.
struct LoopRooms {
    var calls = CallsRoom()
    var reads: ReadsRoom
    var remoteReads: RemoteReadsRoom
    var foreignReads: ForeignReadsRoom
    var remoteWatches: RemoteWatchesRoom
    var foreignWatches: ForeignWatchesRoom
    let rest = RestRoom()
    var recall = RecallRoom()
    var rebuild = RebuildRoom()
    var membership = MembershipRoom()
    var sending = SnapshotSendingRoom()
    var installing = InstallingRoom()
    var verification = VerificationRoom()
    var markedStates: MarkedStatesRoom
    var leadership = LeadershipRoom()
    var logCutting = LogCuttingRoom()
    var version = VersionRoom()
    var bodies = BodiesRoom()
    var housekeeping: HousekeepingRoom
    var trouble = TroubleRoom()

    /// Rooms in which nothing has happened yet. What several rooms, or other threads of the node, share is given.
    init(
        gate: ReadGate,
        stateReads: StateReads,
        foreignReads: ForeignReadBudget,
        watchers: AccountWatchers,
        keptStates: KeptStates,
        settings: CoreSettings
    ) {
        reads = ReadsRoom(gate, stateReads)
        remoteReads = RemoteReadsRoom(stateReads)
        self.foreignReads = ForeignReadsRoom(foreignReads)
        remoteWatches = RemoteWatchesRoom(watchers)
        foreignWatches = ForeignWatchesRoom(watchers)
        markedStates = MarkedStatesRoom(keptStates)
        housekeeping = HousekeepingRoom(settings)
    }
}
