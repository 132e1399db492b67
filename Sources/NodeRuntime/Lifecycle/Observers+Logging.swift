internal import Consensus
internal import Logging
internal import NIOCore

extension Observers {
    /// Writes what happens to the node's groups and disks to the log.
    static func logging(to logger: Logger, on eventLoop: any EventLoop) -> Observers {
        let roles = RoleLog(logger: logger, loop: eventLoop)
        var observers = Observers()
        observers.roles = { roles.noteRole($1, of: $0, term: $2, leader: $3) }
        observers.installs = { group, point, sender in
            logger.info(
                "group \(group.rawValue): snapshot installed up to \(point.index.rawValue) from node \(sender.rawValue)"
            )
        }
        observers.disk = { logger.logDisk($0) }
        observers.membership = { logger.logMembership($0) }
        observers.verification = { logger.logVerification($0) }
        observers.bodies = { logger.logBodies($0) }
        return observers
    }
}
