/// The rooms of a replica loop: each owns the state of one concern, and sees of the others nothing but what lies on the
/// ``Floor``.
struct LoopRooms {
    var calls = CallsRoom()
    var reads: ReadsRoom
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
}
