internal import Consensus
internal import NIOConcurrencyHelpers
internal import NIOCore

extension SegmentedLog {
    /// Writes one round and syncs it. Readers see the round when it is durable.
    func write(_ records: [Record]) throws(LogError) {
        let dataBytes = RoundEncoder.dataBytes(records.lazy.map { $0.header().header.dataBytes })
        guard dataBytes <= Layout.maxRoundBytes, records.count <= Layout.maxRecordsPerRound else {
            throw LogError(.tooLarge, "A round of \(records.count) records and \(dataBytes) bytes.")
        }
        let headBytes = RoundHeader.headBytes(recordCount: records.count, dataBytes: dataBytes)
        let extent = (headBytes + dataBytes).roundedUp(toMultipleOf: settings.blockBytes)
        if offset + extent > capacity {
            let last = state.withLockedValue { $0.segments[$0.segments.count - 1].sequence }
            try roll(makingRoomFor: extent, sequence: last + 1)
        }
        let segment = state.withLockedValue { $0.segments[$0.segments.count - 1] }
        try write(records, to: segment.file, sequence: segment.sequence)
    }

    private func write(_ records: [Record], to file: any DiskFile, sequence: UInt64) throws(LogError) {
        let encoder = RoundEncoder(
            logID: settings.logID,
            segment: sequence,
            number: lastRound + 1,
            precedingChecksum: lastChecksum
        )
        var chains = state.withLockedValue { state in
            var chains: [GroupID: UInt32] = [:]
            for record in records { chains[record.group] = state.table.groups[record.group]?.chain }
            return chains
        }
        let round = encoder.encode(records, chains: &chains, at: offset)
        let position = offset
        try onDisk { () throws(DiskError) in
            try file.write(at: position, pieces: round.pieces)
            do throws(DiskError) {
                try file.dataSync()
            } catch {
                guard Mutant.isOn(.syncRetried) else { throw error }
                try file.dataSync()
            }
        }
        offset += (round.headBytes + round.dataBytes).roundedUp(toMultipleOf: settings.blockBytes)
        lastRound += 1
        lastChecksum = round.checksum
        isSealed = records.isEmpty
        state.withLockedValue { state in
            for record in round.records { state.table.applyWritten(record) }
        }
    }

    /// Begins a new segment: the file, its header, then a checkpoint of every group. Each is durable before the next is
    /// written, so that what a crash leaves can be told from damage.
    func roll(makingRoomFor extent: Int, sequence: UInt64) throws(LogError) {
        let checkpoints = state.withLockedValue { state in
            state.table.sortedIDs.map { id in
                Record(group: id, body: .checkpoint(state.table.groups[id]!.checkpoint))
            }
        }
        let checkpointBytes = RoundEncoder.dataBytes(checkpoints.lazy.map { $0.header().header.dataBytes })
        let checkpointHead = RoundHeader.headBytes(recordCount: checkpoints.count, dataBytes: checkpointBytes)
        let checkpointExtent = (checkpointHead + checkpointBytes).roundedUp(toMultipleOf: settings.blockBytes)
        let needed = settings.blockBytes + checkpointExtent + extent
        let bytes = max(settings.segmentBytes, needed).roundedUp(toMultipleOf: settings.blockBytes)
        let header = SegmentHeader(
            logID: settings.logID,
            sequence: sequence,
            capacity: bytes,
            blockBytes: settings.blockBytes,
            precedingRound: lastRound
        )
        let disk = disk
        let file = try onDisk { () throws(DiskError) in
            let file = try disk.create(SegmentHeader.fileName(sequence), bytes: bytes)
            try file.dataSync()
            try file.write(at: 0, pieces: [header.encoded()])
            try file.dataSync()
            if !Mutant.isOn(.directoryNotSynced) { try disk.syncDirectory() }
            return file
        }
        state.withLockedValue { state in
            state.segments.append(LogState.Segment(sequence: sequence, file: file, bytes: bytes))
        }
        offset = settings.blockBytes
        capacity = bytes
        try write(checkpoints, to: file, sequence: sequence)
        isSealed = true
    }
}
