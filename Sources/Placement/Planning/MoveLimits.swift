internal import Consensus
internal import MailModel

/// How many moves go on at once, those under way and those planned.
struct MoveLimits: Sendable {
    private let settings: PlacementSettings
    private var perNode: [Int]
    private var moves = 0
    private var transfers = 0

    init(_ view: ClusterView) {
        settings = view.settings
        perNode = Array(repeating: 0, count: view.nodes.count)
        for move in view.movesUnderWay { count(move, in: view) }
    }

    mutating func count(_ move: Move, in view: ClusterView) {
        guard !move.changesLeaderOnly else { return transfers += 1 }
        moves += 1
        guard move.bytesToCopy > 0 else { return }
        for node in move.targets + [move.sender].compactMap(\.self) {
            if let number = view.nodeNumber(of: node) { perNode[number] += 1 }
        }
    }

    var allowMove: Bool { moves < settings.movesPerCluster }
    var allowTransfer: Bool { transfers < settings.transfersPerCluster }

    /// Whether a copy may come to the node or leave from there.
    func allowCopy(atNode node: Int) -> Bool { perNode[node] < settings.movesPerNode }
}
