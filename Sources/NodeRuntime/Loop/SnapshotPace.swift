/// How fast this node sends snapshots, to all other nodes together: clients share disk and network with them.
///
/// A bucket fills at the rate, up to a quarter of a second's worth. A piece may be read when there is anything in the
/// bucket, and takes the most that a piece weighs; what the piece weighs less is given back.
struct SnapshotPace {
    /// Pieces that are being read at once, whatever the rate; others wait.
    static let maximumReading = 16

    /// 0: as fast as the receivers ask.
    private(set) var bytesPerSecond: Int
    private let pieceBytes: Int
    private var bytes: Int
    private var filledMilliseconds: Int64
    private var reading = 0

    init(bytesPerSecond: Int, pieceBytes: Int, _ nowMilliseconds: Int64) {
        self.bytesPerSecond = bytesPerSecond
        self.pieceBytes = pieceBytes
        bytes = bytesPerSecond / 4
        filledMilliseconds = nowMilliseconds
    }

    /// Whether a piece may be read now. If so, the piece is paid for, until ``notePiece(bytes:)``.
    mutating func admit(_ nowMilliseconds: Int64) -> Bool {
        guard reading < Self.maximumReading else { return false }
        if bytesPerSecond > 0 {
            fill(nowMilliseconds)
            guard bytes > 0 else { return false }
            bytes -= pieceBytes
        }
        reading += 1
        return true
    }

    /// Sends at another rate from now on.
    mutating func setRate(bytesPerSecond: Int) {
        guard bytesPerSecond != self.bytesPerSecond else { return }
        self.bytesPerSecond = bytesPerSecond
        bytes = min(bytes, max(1, bytesPerSecond / 4))
    }

    private mutating func fill(_ nowMilliseconds: Int64) {
        // More than a second's worth never fits.
        let elapsed = Int(min(max(0, nowMilliseconds - filledMilliseconds), 1_000))
        let gained = bytesPerSecond * elapsed / 1_000
        guard gained > 0 else { return }
        bytes = min(bytes + gained, max(1, bytesPerSecond / 4))
        filledMilliseconds = nowMilliseconds
    }

    /// Notes what a piece that was paid for weighed, in bytes; nothing where it was refused after all.
    mutating func notePiece(bytes count: Int) {
        reading -= 1
        if bytesPerSecond > 0 { bytes += pieceBytes - count }
    }
}
