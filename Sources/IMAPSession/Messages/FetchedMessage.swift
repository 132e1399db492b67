internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// A message whose FETCH response is being written: the items that are told from its row, its outline or its bytes.
///
/// An item that needs bytes of the message says which by ``wantedBytes``. The FETCH hands them in and ends the item.
struct FetchedMessage {
    let index: Int
    let uid: UInt32
    var details: MessageDetails?
    var outline: (any MessageOutline)?
    var nextItem = 0
    private var piece: Piece?
    /// Works out what the stored outline does not say, while its piece is under way.
    private var reader: (any OutlineReading)?
    /// Whether the outline comes from the message itself: it gets no better.
    private var isOutlineRead = false
    /// Writes the item that is under way.
    private var writer: (any ResponseWriting)?
    /// The header, when an item before needed it.
    private var header: (range: Range<UInt64>, bytes: ByteBuffer)?

    /// Bytes of a body on their way.
    private struct Piece {
        enum Purpose {
            /// The bytes go straight to the client, behind the announcement of a literal.
            case literal(FetchItem, origin: UInt64?, length: Int)
            case announcedLiteral
            /// The bytes are the header with this range, to be filtered.
            case header(Range<UInt64>, NamedFields, BytePartial?)
            /// For the message's reader, so that the item can be told.
            case outline(FetchItem)
        }

        var purpose: Purpose
        /// What has not come yet.
        var range: Range<UInt64>
        /// The bytes of a header that have come.
        var gathered = ByteBuffer()
    }

    init(index: Int, uid: UInt32) {
        self.index = index
        self.uid = uid
    }

    /// Whether an item that looks through the header is work for a turn of its own.
    var isCostly: Bool { (header?.bytes.readableBytes ?? 0) >= SessionLimits.writeBytes }
    /// Whether an item is written in pieces, and the next one is due.
    var isWriting: Bool { writer != nil }
    /// The bytes that the item under way waits for; nil when no item is, empty when all have come.
    var wantedBytes: Range<UInt64>? { piece?.range }

    /// Writes an item, or begins it.
    ///
    /// - Parameter fields: those of a header that the item names.
    mutating func begin(_ item: FetchItem, _ fields: NamedFields?, in session: inout Session) {
        guard let details else { preconditionFailure("rows were not read") }
        if beginOutline(for: item, details, in: &session) { return }
        switch item {
        case .internalDate:
            let date = details.internalDate
            session.encoder.internalDate(DateTime(unixSeconds: date.seconds, zoneMinutes: Int(date.zoneMinutes)))
        case .size: session.encoder.size(details.sizeBytes)
        case .saveDate: session.encoder.saveDate(DateTime(unixSeconds: details.saved.rawValue / 1_000))
        case .emailID: session.encoder.emailID(details.bodyID.objectID)
        case .threadID: session.encoder.threadID(nil)
        case .envelope, .body, .bodyStructure: writeOutline(for: item, details, in: &session)
        case .section(let section, let partial, _):
            if let fields {
                beginFields(fields, of: section, partial: partial, in: &session)
            } else {
                beginSection(section, for: item, partial: partial, in: &session)
            }
        case .rfc822: beginSection(BodySection(), for: item, partial: nil, in: &session)
        case .rfc822Header: beginSection(BodySection(text: .header), for: item, partial: nil, in: &session)
        case .rfc822Text: beginSection(BodySection(text: .text), for: item, partial: nil, in: &session)
        case .uid, .flags, .modSeq: preconditionFailure("not an item of rows")
        case .binary, .binarySize, .preview: preconditionFailure("an item that is refused")
        }
    }

    // MARK: Outlines

    /// Has the message's bytes read first when the item needs more than the stored outline says: all of them, or the
    /// header when that is enough.
    ///
    /// - Returns: whether the item waits for them.
    private mutating func beginOutline(
        for item: FetchItem,
        _ details: MessageDetails,
        in session: inout Session
    ) -> Bool {
        guard !isOutlineRead, item.needsOutline else { return false }
        var range = 0..<details.sizeBytes
        if let outline {
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
        reader = session.tools.makeReader()
        piece = Piece(purpose: .outline(item), range: range)
        return true
    }

    private mutating func finishOutline(for item: FetchItem, upTo end: UInt64, in session: inout Session) {
        guard let details, var reader = reader.take() else { return }
        let outline = reader.finish()
        // The header alone tells nothing of the parts.
        guard end == details.sizeBytes else { return beginWriting(.envelope, from: outline, in: &session) }
        self.outline = outline
        isOutlineRead = true
        // The item's turn comes again.
        nextItem -= 1
    }

    private mutating func writeOutline(for item: FetchItem, _ details: MessageDetails, in session: inout Session) {
        if isOutlineRead {
            guard let outline else { preconditionFailure("an outline that was not read") }
            return beginWriting(item, from: outline, in: &session)
        }
        switch item {
        case .envelope: session.encoder.encodedItem("ENVELOPE", outline.envelope)
        case .body: session.encoder.encodedItem("BODY", outline.structure(details, isExtended: false))
        case .bodyStructure: session.encoder.encodedItem("BODYSTRUCTURE", outline.structure(details, isExtended: true))
        case .section, .rfc822Header, .rfc822Text, .uid, .flags, .internalDate, .size, .rfc822, .binary, .binarySize,
            .modSeq, .emailID, .threadID, .saveDate, .preview:
            preconditionFailure("not an item of outlines")
        }
    }

    /// Starts an item that may be as long as the headers it is told from.
    private mutating func beginWriting(
        _ item: FetchItem,
        from outline: any MessageOutline,
        in session: inout Session
    ) {
        switch item {
        case .envelope:
            session.encoder.item("ENVELOPE")
            writer = outline.makeEnvelopeWriter()
        case .body, .bodyStructure:
            let isExtended = item == .bodyStructure
            session.encoder.item(isExtended ? "BODYSTRUCTURE" : "BODY")
            writer = outline.makeBodyStructureWriter(isExtended: isExtended)
        case .section, .rfc822Header, .rfc822Text, .uid, .flags, .internalDate, .size, .rfc822, .binary, .binarySize,
            .modSeq, .emailID, .threadID, .saveDate, .preview:
            preconditionFailure("not an item of outlines")
        }
    }

    /// Writes a piece of the item.
    mutating func writePiece(in session: inout Session) {
        guard var writer = writer.take() else { preconditionFailure("no item is under way") }
        var piece = ByteBuffer()
        let isLast = writer.writeNext(into: &piece)
        session.encoder.encodedPiece(piece)
        if !isLast { self.writer = writer }
    }

    // MARK: Bytes

    /// Starts an item whose bytes are needed, or answers it at once when there are none. The bytes go to the client as
    /// the store brings them.
    private mutating func beginSection(
        _ section: BodySection,
        for item: FetchItem,
        partial: BytePartial?,
        in session: inout Session
    ) {
        guard let details, let range = section.range(in: outline, details.sizeBytes) else {
            return session.encoder.section(section, origin: partial?.offset, nil)
        }
        let cut = range.cut(by: partial)
        piece = Piece(purpose: .literal(item, origin: partial?.offset, length: cut.count), range: cut)
    }

    /// The same for fields of a header, which is looked through when all of it has come.
    private mutating func beginFields(
        _ fields: NamedFields,
        of section: BodySection,
        partial: BytePartial?,
        in session: inout Session
    ) {
        guard let details, let range = section.range(in: outline, details.sizeBytes) else {
            return session.encoder.section(section, origin: partial?.offset, nil)
        }
        let headerRange = range.prefix(bytes: UInt64(SessionLimits.headerBytes))
        if let header, header.range == headerRange {
            return Self.write(fields, of: header.bytes, partial: partial, in: &session)
        }
        piece = Piece(purpose: .header(headerRange, fields, partial), range: headerRange)
    }

    /// Takes in what came of the wanted bytes with the message's row.
    ///
    /// - Returns: how many these are.
    mutating func receiveLeading(in session: inout Session) -> Int {
        guard let wanted = piece?.range, !wanted.isEmpty, let leading = details?.leading,
            let bytes = leading.slice(of: wanted)
        else { return 0 }
        receive(bytes, in: &session)
        return bytes.readableBytes
    }

    /// Takes in the next of the bytes that are wanted.
    mutating func receive(_ bytes: ByteBuffer, in session: inout Session) {
        guard let wanted = piece?.range, let purpose = piece?.purpose else {
            preconditionFailure("no bytes are wanted")
        }
        piece?.range = (wanted.lowerBound + UInt64(bytes.readableBytes))..<wanted.upperBound
        switch purpose {
        case .literal(let item, let origin, let length):
            piece?.purpose = .announcedLiteral
            session.encoder.announceLiteral(of: item, origin: origin, length: length)
            session.writeLiteral(bytes)
        case .announcedLiteral: session.writeLiteral(bytes)
        case .header:
            // A header mostly comes in one piece, which needs no copy.
            if piece?.gathered.readableBytes == 0 {
                piece?.gathered = bytes
            } else {
                piece?.gathered.writeImmutableBuffer(bytes)
            }
        case .outline: reader?.append(bytes)
        }
    }

    /// Ends an item whose bytes have all come.
    mutating func finishPiece(in session: inout Session) {
        guard let piece = piece.take() else { return }
        switch piece.purpose {
        case .literal(let item, let origin, let length):
            session.encoder.announceLiteral(of: item, origin: origin, length: length)
        case .announcedLiteral: break
        case .header(let range, let fields, let partial):
            header = (range, piece.gathered)
            Self.write(fields, of: piece.gathered, partial: partial, in: &session)
        case .outline(let item): finishOutline(for: item, upTo: piece.range.upperBound, in: &session)
        }
    }

    private static func write(
        _ fields: NamedFields,
        of header: ByteBuffer,
        partial: BytePartial?,
        in session: inout Session
    ) {
        let filtered = fields.filter.filter(header)
        let cut = (0..<UInt64(filtered.readableBytes)).cut(by: partial)
        let bytes = filtered.getSlice(at: filtered.readerIndex + Int(cut.lowerBound), length: cut.count)
        session.encoder.beginItem(fields.name, length: cut.count)
        session.encoder.literalBytes(bytes ?? ByteBuffer())
    }
}

extension Session {
    /// Writes bytes of a literal; many go to the client as they are, without a copy.
    fileprivate mutating func writeLiteral(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > SessionLimits.copiedPieceBytes else { return encoder.literalBytes(bytes) }
        flush()
        effects.append(.write(encoder.literalBytesPassing(bytes)))
    }
}

extension ResponseEncoder {
    fileprivate mutating func announceLiteral(of item: FetchItem, origin: UInt64?, length: Int) {
        switch item {
        case .section(let section, _, _): beginSection(section, origin: origin, length: length)
        case .rfc822: beginItem("RFC822", length: length)
        case .rfc822Header: beginItem("RFC822.HEADER", length: length)
        case .rfc822Text: beginItem("RFC822.TEXT", length: length)
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .binary, .binarySize, .modSeq,
            .emailID, .threadID, .saveDate, .preview:
            preconditionFailure("not an item with bytes")
        }
    }
}

extension Optional<any MessageOutline> {
    /// The envelope, an empty one for a message whose summary cannot be read: clients would give up at an error.
    fileprivate var envelope: ByteBuffer {
        var buffer = ByteBuffer()
        if let self {
            self.writeEnvelope(into: &buffer)
        } else {
            buffer.writeString("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")
        }
        return buffer
    }

    fileprivate func structure(_ details: MessageDetails, isExtended: Bool) -> ByteBuffer {
        var buffer = ByteBuffer()
        if let self {
            self.writeBodyStructure(into: &buffer, isExtended: isExtended)
        } else {
            buffer.writeString("(\"TEXT\" \"PLAIN\" NIL NIL NIL \"8BIT\" \(details.sizeBytes) 0)")
        }
        return buffer
    }
}

extension ByteBuffer {
    /// What a message's first bytes, which these are, have of a range of it, from the range's start on; nil where that
    /// is nothing.
    func slice(of range: Range<UInt64>) -> ByteBuffer? {
        guard range.lowerBound < UInt64(readableBytes) else { return nil }
        let start = Int(range.lowerBound)
        return getSlice(at: readerIndex + start, length: Swift.min(range.count, readableBytes - start))
    }
}
