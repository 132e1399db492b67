internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// `BODY[...]` in all its forms (RFC 3501, section 6.4.5): bytes go to the client as the store brings them.
extension Session {
    /// Starts an item whose bytes are needed, or answers it at once when there are none.
    mutating func beginSection(
        _ section: BodySection,
        for item: FetchItem,
        partial: BytePartial?,
        of details: MessageDetails,
        outline: (any MessageOutline)?
    ) {
        guard let range = section.range(in: outline, details.sizeBytes) else {
            encoder.section(section, origin: partial?.offset, nil)
            return
        }
        switch section.text {
        case .headerFields, .headerFieldsNot:
            let range = range.prefix(bytes: UInt64(SessionLimits.headerBytes))
            if let header = fetching?.current?.header, header.range == range {
                return writeFiltered(section, partial: partial, from: header.bytes)
            }
            fetching?.current?.piece = .init(purpose: .header(range, ByteBuffer()), range: range)
        case .header, .text, .mime, nil:
            let cut = range.cut(by: partial)
            fetching?.current?.piece = .init(
                purpose: .literal(item, origin: partial?.offset, length: cut.count),
                range: cut
            )
        }
    }

    mutating func queryPiece() {
        guard let work = fetching, let message = work.current, let piece = message.piece, let details = message.details
        else { preconditionFailure("no bytes are wanted") }
        let count = min(piece.range.count, SessionLimits.bodyPieceBytes)
        // Within a literal nothing else may be written: the responses before it go out first.
        query(.body(details.bodyID, offset: piece.range.lowerBound, maximumBytes: count)) { session, result in
            switch result {
            case .success(.body(let bytes)) where bytes.readableBytes > 0:
                session.receivePiece(
                    bytes.getSlice(at: bytes.readerIndex, length: min(count, bytes.readableBytes)) ?? bytes
                )
            case .success(.body), .success: session.breakOff(.unavailable)
            case .failure(let failure): session.breakOff(failure)
            }
        }
    }

    /// A message that cannot be told to its end. Behind a literal's announcement only its bytes may follow, so there
    /// the connection ends; elsewhere the response ends with the items before.
    private mutating func breakOff(_ failure: ServiceFailure) {
        guard let work = fetching, let message = work.current, encoder.pendingLiteralBytes == 0 else {
            fetching = nil
            return end()
        }
        fetching = nil
        // A response has one item at least.
        if message.nextItem == 1 { encoder.uid(message.uid) }
        encoder.endFetch()
        fail(work.tag, failure)
    }

    private mutating func receivePiece(_ bytes: ByteBuffer) {
        guard var piece = fetching?.current?.piece else { preconditionFailure("no bytes are wanted") }
        piece.range = (piece.range.lowerBound + UInt64(bytes.readableBytes))..<piece.range.upperBound
        switch piece.purpose {
        case .literal(let item, let origin, let length):
            announceLiteral(of: item, origin: origin, length: length)
            piece.purpose = .announcedLiteral
            writeLiteral(bytes)
        case .announcedLiteral: writeLiteral(bytes)
        case .header(let range, var gathered):
            gathered.writeImmutableBuffer(bytes)
            piece.purpose = .header(range, gathered)
        case .outline: fetching?.current?.reader?.append(bytes)
        }
        fetching?.current?.piece = piece
        guard piece.range.isEmpty else { return giveWay { $0.queryPiece() } }
        finishPiece()
        guard bytes.readableBytes <= SessionLimits.copiedPieceBytes else { return giveWay { $0.continueFetch() } }
        continueFetch()
    }

    private mutating func writeLiteral(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > SessionLimits.copiedPieceBytes else { return encoder.literalBytes(bytes) }
        flush()
        effects.append(.write(encoder.literalBytesPassing(bytes)))
    }

    /// Ends an item whose bytes have all come.
    mutating func finishPiece() {
        guard let work = fetching, let message = work.current, let piece = message.piece else { return }
        fetching?.current?.piece = nil
        switch piece.purpose {
        case .literal(let item, let origin, let length): announceLiteral(of: item, origin: origin, length: length)
        case .announcedLiteral: break
        case .header(let range, let bytes):
            fetching?.current?.header = (range, bytes)
            guard case .section(let section, let partial, _) = work.items[message.nextItem - 1] else { return }
            writeFiltered(section, partial: partial, from: bytes)
        case .outline(let item): finishOutline(for: item, from: piece)
        }
    }

    // MARK: Outlines

    /// Has the message's bytes read first when the item needs more than the stored outline says: all of them, or the
    /// header when that is enough.
    ///
    /// - Returns: whether the item waits for them.
    mutating func beginOutline(for item: FetchItem, of message: FetchWork.Message) -> Bool {
        guard !message.isOutlineRead, let details = message.details, item.needsOutline else { return false }
        var range = 0..<details.sizeBytes
        if let outline = message.outline {
            switch item {
            case .envelope:
                guard !outline.isEnvelopeWhole else { return false }
                range = 0..<Swift.min(outline.headerBytes, details.sizeBytes)
            case .body, .bodyStructure: guard !outline.isStructureWhole else { return false }
            case .section, .rfc822Header, .rfc822Text, .uid, .flags, .internalDate, .size, .rfc822, .binary,
                .binarySize, .modSeq, .emailID, .threadID, .saveDate, .preview:
                return false
            }
        }
        let reader = tools.makeReader()
        fetching?.current?.reader = reader
        fetching?.current?.piece = .init(purpose: .outline(item), range: range)
        return true
    }

    private mutating func finishOutline(for item: FetchItem, from piece: FetchWork.Piece) {
        guard let details = fetching?.current?.details else { return }
        guard var reader = fetching?.current?.reader else { return }
        fetching?.current?.reader = nil
        let outline = reader.finish()
        // The header alone tells nothing of the parts.
        guard piece.range.upperBound == details.sizeBytes else {
            return beginWriting(.envelope, outline)
        }
        fetching?.current?.outline = outline
        fetching?.current?.isOutlineRead = true
        // The item's turn comes again.
        fetching?.current?.nextItem -= 1
    }

    /// Starts an item that may be as long as the headers it is told from.
    mutating func beginWriting(_ item: FetchItem, _ outline: (any MessageOutline)?) {
        guard let outline else { preconditionFailure("an outline that was not read") }
        let writer: any ResponseWriting
        switch item {
        case .envelope:
            encoder.item("ENVELOPE")
            writer = outline.makeEnvelopeWriter()
        case .body, .bodyStructure:
            let isExtended = item == .bodyStructure
            encoder.item(isExtended ? "BODYSTRUCTURE" : "BODY")
            writer = outline.makeBodyStructureWriter(isExtended: isExtended)
        case .section, .rfc822Header, .rfc822Text, .uid, .flags, .internalDate, .size, .rfc822, .binary, .binarySize,
            .modSeq, .emailID, .threadID, .saveDate, .preview:
            preconditionFailure("not an item of outlines")
        }
        fetching?.current?.writer = writer
    }

    /// Writes a piece of the item, and lets others have a turn.
    mutating func writePiece() {
        guard var writer = fetching?.current?.writer else { preconditionFailure("no item is under way") }
        fetching?.current?.writer = nil
        var piece = ByteBuffer()
        let isLast = writer.writeNext(into: &piece)
        encoder.encodedPiece(piece)
        if !isLast { fetching?.current?.writer = writer }
        giveWay { $0.continueFetch() }
    }

    private mutating func announceLiteral(of item: FetchItem, origin: UInt64?, length: Int) {
        switch item {
        case .section(let section, _, _): encoder.beginSection(section, origin: origin, length: length)
        case .rfc822: encoder.beginItem("RFC822", length: length)
        case .rfc822Header: encoder.beginItem("RFC822.HEADER", length: length)
        case .rfc822Text: encoder.beginItem("RFC822.TEXT", length: length)
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .binary, .binarySize, .modSeq,
            .emailID, .threadID, .saveDate, .preview:
            preconditionFailure("not an item with bytes")
        }
    }

    private mutating func writeFiltered(_ section: BodySection, partial: BytePartial?, from header: ByteBuffer) {
        let filtered: ByteBuffer
        switch section.text {
        case .headerFields(let names): filtered = tools.filter(header: header, names: names, not: false)
        case .headerFieldsNot(let names): filtered = tools.filter(header: header, names: names, not: true)
        case .header, .text, .mime, nil: preconditionFailure("not a list of fields")
        }
        let cut = (0..<UInt64(filtered.readableBytes)).cut(by: partial)
        let bytes = filtered.getSlice(at: filtered.readerIndex + Int(cut.lowerBound), length: cut.count)
        encoder.beginSection(section, origin: partial?.offset, length: cut.count)
        encoder.literalBytes(bytes ?? ByteBuffer())
    }
}

extension Range<UInt64> {
    fileprivate func prefix(bytes: UInt64) -> Range<UInt64> {
        lowerBound..<(lowerBound + Swift.min(bytes, upperBound - lowerBound))
    }

    /// The bytes that `<offset.length>` asks for, as far as there are any.
    fileprivate func cut(by partial: BytePartial?) -> Range<UInt64> {
        guard let partial else { return self }
        let start = lowerBound + Swift.min(partial.offset, upperBound - lowerBound)
        return start..<(start + Swift.min(partial.length, upperBound - start))
    }
}

extension BodySection {
    /// The range of the section in the message; nil when the message has no such part.
    func range(in outline: (any MessageOutline)?, _ size: UInt64) -> Range<UInt64>? {
        let bounds = 0..<size
        guard !part.isEmpty else {
            let header = Swift.min(outline?.headerBytes ?? 0, size)
            switch text {
            case nil: return bounds
            case .header, .headerFields, .headerFieldsNot: return 0..<header
            case .text: return header..<size
            case .mime: return nil
            }
        }
        guard let part = outline?.part(part.map { Int($0) }) else { return nil }
        switch text {
        case nil: return part.body.clamped(to: bounds)
        case .mime: return part.mime.clamped(to: bounds)
        case .header, .headerFields, .headerFieldsNot: return part.message?.header.clamped(to: bounds)
        case .text: return part.message?.text.clamped(to: bounds)
        }
    }
}
