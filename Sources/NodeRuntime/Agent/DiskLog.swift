internal import Logging

extension Logger {
    /// What happens to the disk of this node, for operators.
    func logDisk(_ event: DiskEvent) {
        switch event {
        case .spaceIsLow(let free, let reserved):
            error(
                """
                the disk has \(free >> 20) MiB left, less than the reserve of \(reserved >> 20) MiB (setting \
                disk.reserve-bytes): no new mail is taken in until there is room
                """
            )
        case .spaceIsBack(let free): notice("the disk has \(free >> 20) MiB left: new mail is taken in again")
        case .hangs(let milliseconds, let what):
            error("the disk has not finished \(what) for \(milliseconds / 1_000) s: leaderships are given up")
        case .recovered: notice("the disk writes again")
        case .isSlow: warning("the disk is slow: others lead in this node's place where they can")
        case .isQuick: notice("the disk is quick again")
        }
    }
}
