/// The numbers of the on-disk format; see `Docs/formats/log.md`.
enum Layout {
    /// Bytes that a disk writes as a whole or not at all.
    static let sectorBytes = 512
    /// The size of a segment's header, a round's header and a record's header alike.
    static let headerBytes = 64
    /// "STAFFLOG", little-endian.
    static let segmentMagic: UInt64 = 0x474F_4C46_4641_5453
    /// "ROND", little-endian.
    static let roundMagic: UInt32 = 0x444E_4F52
    /// "HEADDONE", little-endian: the last bytes of a round's head.
    static let headTrailer: UInt64 = 0x454E_4F44_4441_4548
    /// "DATADONE", little-endian: the last bytes of a round's data, so that its last sector never has a single bit set.
    static let dataTrailer: UInt64 = 0x454E_4F44_4154_4144
    static let formatVersion: UInt16 = 1

    /// The largest payload of one record: an entry of 1 MiB and what goes with it.
    static let maxRecordBytes = (1 << 20) + (1 << 16)
    static let maxRoundBytes = 1 << 30
    static let maxRecordsPerRound = 1 << 20
    /// No segment and no round has a higher number. Bytes that say otherwise were not written by a log.
    static let maxNumber: UInt64 = 1 << 62
    /// Entries that a group's checkpoint may promise. The table makes room for them before it finds them.
    static let maxEntriesOfGroup: UInt64 = 1 << 22
}

extension Int {
    func roundedUp(toMultipleOf unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
