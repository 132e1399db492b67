internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOSSL

/// Log lines about peers that are refused or out of reach: each reason once a minute for each peer, with how often it
/// came up since the last line. A peer that comes back at once, again and again, must not fill the disk.
final class PeerComplaints: Sendable {
    enum Reason: String {
        /// No connection came about.
        case unreachable
        /// TLS failed: a certificate that no trust root vouches for, or none.
        case certificate
        case wrongCluster
        case wrongNode
        case unknownVersion
        /// A node that is gone for good.
        case gone
        case unreadable
        /// A node has connected while its earlier connection was open.
        case connectedTwice
        case tooManyNodes
        /// The connection broke.
        case broken

        /// What an error on a connection is.
        init(_ error: any Error) {
            switch error {
            case NIOSSLError.uncleanShutdown: self = .broken
            case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: self = .certificate
            default: self = .broken
            }
        }
    }

    private struct Key: Hashable {
        let peer: String
        let reason: Reason
    }

    private struct Entry {
        var said: NIODeadline
        var suppressed = 0
    }

    private let logger: Logger
    private let now: @Sendable () -> NIODeadline
    private let entries = NIOLockedValueBox<[Key: Entry]>([:])

    init(_ logger: Logger, now: @escaping @Sendable () -> NIODeadline = { .now() }) {
        self.logger = logger
        self.now = now
    }

    /// Logs a complaint, unless one of this reason was logged of this peer within the last minute.
    func warn(_ reason: Reason, of peer: String, _ text: String) {
        guard let suppressed = count(reason, of: peer) else { return }
        let tail = suppressed == 0 ? "" : " (and \(suppressed) more like this since it was last said)"
        logger.warning("\(peer): \(text)\(tail)")
    }

    /// - Returns: how many complaints were not logged since the last one; nil when this one is not to be logged either.
    private func count(_ reason: Reason, of peer: String) -> Int? {
        let now = now()
        let interval = TimeAmount.seconds(PeerLimits.complaintSeconds)
        return entries.withLockedValue { entries in
            var key = Key(peer: peer, reason: reason)
            if entries[key] == nil, entries.count >= PeerLimits.maximumComplaints {
                entries = entries.filter { now - $0.value.said < interval }
                if entries.count >= PeerLimits.maximumComplaints { key = Key(peer: "", reason: reason) }
            }
            if let entry = entries[key], now - entry.said < interval {
                entries[key]?.suppressed += 1
                return nil
            }
            let suppressed = entries[key]?.suppressed ?? 0
            entries[key] = Entry(said: now)
            return suppressed
        }
    }
}

extension HelloAnswer {
    /// The reason under which a refusal is noted; nil for a welcome.
    var complaint: PeerComplaints.Reason? {
        switch self {
        case .welcome: nil
        case .wrongCluster: .wrongCluster
        case .wrongNode: .wrongNode
        case .unknownVersion: .unknownVersion
        case .gone: .gone
        }
    }
}
