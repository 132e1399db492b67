internal import FuzzSupport
internal import NIOCore

/// Computes the checksums of segments anew: no fuzzer guesses one. The layout is that of `Docs/formats/log.md`.
struct Repair {
    /// Whether each record of a group refers to the one before.
    let joinsChains: Bool
    private var chains: [UInt32: UInt32] = [:]

    private static let headerBytes = 64
    private static let sectorBytes = 512
    private static let roundMagic: UInt32 = 0x444E_4F52

    init(joinsChains: Bool) { self.joinsChains = joinsChains }

    /// The file with the checksums of its header, and of everything that looks like a round at the start of a sector.
    mutating func apply(_ damaged: ByteBuffer) -> ByteBuffer {
        var file = ByteBuffer(bytes: damaged.readableBytesView)
        guard file.readableBytes >= Self.headerBytes else { return file }
        set(&file, 8, checksum(file, 12..<Self.headerBytes))
        var preceding: UInt32?
        for offset in stride(from: 0, to: file.readableBytes, by: Self.sectorBytes) {
            guard get(file, offset) == Self.roundMagic else { continue }
            repairRound(&file, at: offset, &preceding)
        }
        return file
    }

    private func get(_ file: ByteBuffer, _ offset: Int) -> UInt32 {
        file.getInteger(at: offset, endianness: .little, as: UInt32.self) ?? 0
    }

    private func set(_ file: inout ByteBuffer, _ offset: Int, _ value: UInt32) {
        file.setInteger(value, at: offset, endianness: .little)
    }

    private mutating func repairRound(_ file: inout ByteBuffer, at start: Int, _ preceding: inout UInt32?) {
        let records = Int(get(file, start + 32))
        let head = Int(get(file, start + 36))
        let data = Int(get(file, start + 40))
        guard start + head + data <= file.readableBytes, head >= Self.headerBytes * (1 + records) + 8 else { return }
        for record in 0..<records {
            repairRecord(&file, at: start + Self.headerBytes * (1 + record), data: start + head)
        }
        let table = start + Self.headerBytes * (1 + records)
        for sector in 0..<(data + Self.sectorBytes - 1) / Self.sectorBytes {
            let from = start + head + sector * Self.sectorBytes
            let entry = table + 4 * sector
            guard entry + 4 <= start + head - 8, from + Self.sectorBytes <= file.readableBytes else { return }
            set(&file, entry, checksum(file, from..<from + Self.sectorBytes))
        }
        set(&file, start + 44, checksum(file, start + Self.headerBytes..<start + head))
        if let preceding { set(&file, start + 48, preceding) }
        let own = checksum(file, start + 8..<start + Self.headerBytes)
        set(&file, start + 4, own)
        preceding = own
    }

    private mutating func repairRecord(_ file: inout ByteBuffer, at record: Int, data: Int) {
        let start = data + Int(get(file, record + 40))
        let bytes = Int(get(file, record + 44))
        if start + bytes <= file.readableBytes {
            set(&file, record + 48, checksum(file, start..<start + bytes))
        }
        let group = get(file, record + 8)
        if joinsChains { set(&file, record + 12, chains[group] ?? 0) }
        let own = checksum(file, record + 4..<record + Self.headerBytes)
        set(&file, record, own)
        // After its removal (5) a group begins anew.
        let type = file.getInteger(at: record + 4, as: UInt8.self)
        chains[group] = type == 5 ? nil : own
    }
}
