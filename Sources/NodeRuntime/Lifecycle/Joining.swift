internal import Consensus
internal import Logging
internal import MailModel
internal import NIOCore
internal import PeerTransport

/// How a node that belongs to no cluster yet is let into one: it asks the nodes that its settings name, in turn, until
/// one of them has an answer.
struct Joining {
    private static let pause = Duration.milliseconds(500)
    private static let reportAfter = Duration.seconds(5)

    let settings: NodeSettings
    let tls: PeerTLS?
    let group: any EventLoopGroup
    let logger: Logger

    /// Asks until there is an answer that asking again does not change.
    ///
    /// - Parameter directory: names the data directory.
    /// - Throws: ``StartupError``, where the answer is no.
    func join(as directory: UInt64, with secret: JoinSecret) async throws -> JoinGrant {
        let places = settings.join.map(\.description).joined(separator: ", ")
        let request = JoinRequest(
            token: secret.id,
            secret: secret.bytes,
            directory: directory,
            node: NodeDescription(id: 0, peerAddress: settings.advertisedAddress, labels: settings.labels)
        )
        logger.notice("asking \(places) to be let into the cluster, with token \(JoinSecret.name(of: secret.id))")
        var said = ContinuousClock.now
        while true {
            var reasons: [String] = []
            for place in settings.join {
                do {
                    let reply = try await JoinCall.send(
                        request,
                        host: place.host,
                        port: place.port,
                        tls: tls,
                        group: group
                    )
                    if let grant = try grant(in: reply, from: place) { return grant }
                    reasons.append("\(place) cannot say now")
                } catch let error as StartupError {
                    throw error
                } catch {
                    reasons.append("\(place): \(plainReason(error))")
                }
            }
            if ContinuousClock.now - said >= Self.reportAfter {
                said = .now
                logger.warning("still waiting to be let into the cluster: \(reasons.joined(separator: "; "))")
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// Nil where the node is to be asked again.
    private func grant(in reply: JoinReply, from place: HostPort) throws(StartupError) -> JoinGrant? {
        switch reply {
        case .granted(let grant): return grant
        case .unavailable: return nil
        case .tokenRefused:
            throw StartupError(
                "\(place) does not let this node join: the token has ended, was revoked, has let in as many nodes as "
                    + "it may, or is mistyped. Make another with `staffettactl node token create`, and set join-token."
            )
        case .unsupportedVersion(let version):
            throw StartupError(
                "\(place) does not let this node join: the cluster is at version \(version.rawValue), and this program "
                    + "knows \(KnownVersions.current.oldest.rawValue) to \(KnownVersions.current.newest.rawValue). "
                    + "Start the program that the other nodes run."
            )
        case .gone:
            throw StartupError(
                "\(place) does not let this node join: its data directory belonged to a node that was decommissioned. "
                    + "Begin with an empty directory (setting data.directory)."
            )
        }
    }
}
