internal import MailModel
internal import NIOCore

/// Large bodies, and such as are uploaded ahead of their messages.
struct BodyCosts {
    let rig: ApplyRig

    func run() throws {
        let anna = try rig.createAccount("anna")
        let chunk = MailLimits.bodyChunkBytes
        let large = 50_000_000
        let bytes = ByteBuffer(repeating: 0x63, count: chunk)
        var body = rig.bodyID()
        try rig.measure("upload chunk", 400) { number in
            let index = number % 200
            if index == 0 { body = rig.bodyID() }
            return (anna, .uploadChunk(body, index: UInt32(index), bytes: bytes))
        }
        try rig.measure("APPEND of an upload of 50 MB", 6) { _ in
            let body = try rig.upload(large, of: anna)
            return (anna, .append(rig.message(sizeBytes: large, uploaded: body), to: .inbox))
        }
        try rig.apply(.deliver(rig.message(), id: DeliveryID(high: 1, low: 1)), of: anna)
        try rig.measure("deliver again, an upload of 50 MB goes", 8) { _ in
            let body = try rig.upload(large, of: anna)
            let message = rig.message(sizeBytes: large, uploaded: body)
            return (anna, .deliver(message, id: DeliveryID(high: 1, low: 1)))
        }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + 2)
        try rig.settle()
        let few = 4 * chunk + 1
        for _ in 0..<1_000 { _ = try rig.upload(few, of: anna) }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.uploadRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measureHousekeeping("purge of uploads of 5 chunks") { due in
            if case .purgeUploads = due { true } else { false }
        }
        let inbox = try rig.mailbox(.inbox, of: anna).id
        for _ in 0..<1_000 {
            let message = rig.message(sizeBytes: few, uploaded: try rig.upload(few, of: anna))
            try rig.apply(.append(message, to: .inbox), of: anna)
        }
        for piece in 0..<1_000 / MailLimits.messagesPerExpunge {
            try rig.apply(.remove(inbox, row(piece, of: MailLimits.messagesPerExpunge)), of: anna)
        }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measureHousekeeping("purge of expunged messages of 5 chunks, and some of 50 MB") { due in
            if case .purgeExpunged = due { true } else { false }
        }
        for _ in 0..<1_000 {
            let message = rig.message(sizeBytes: few, uploaded: try rig.upload(few, of: anna))
            try rig.apply(.append(message, to: .inbox), of: anna)
        }
        try rig.apply(.deleteAccount, of: anna)
        try rig.settle()
        try rig.measureHousekeeping("purge of a deleted account, messages of 5 chunks") { due in
            if case .purgeRemnant = due { true } else { false }
        }
    }
}
