public import NIOCore

/// Looks for terms in one message whose bytes are handed to it piece by piece, as far as they are needed. Memory is
/// bounded: text is looked at as it passes, and none of it kept.
///
/// Headers and text parts are decoded (RFC 3501, section 6.4.4); parts of other types are left out, but for the headers
/// that tell of them.
public struct TextSearch {
    /// The longest range asked for at once: when all terms are found, no more is asked for.
    private static let rangeBytes: UInt64 = 256 * 1_024
    /// The most that is decoded at once.
    private static let stepBytes = 16 * 1_024

    private let plan: SearchPlan
    private var found: [Bool]
    private var text: NeedleMatcher
    private var body: NeedleMatcher
    /// What is looked for in fields of the header, as the plan has them.
    private var values: [NeedleMatcher]
    /// How many terms ask for a field only, and have not met it.
    private var absentFields = 0

    /// The sections to be searched after the current one, the next one last.
    private var sections: [SearchSection] = []
    private var section: SearchSection?
    /// What has been asked for, and what of it has been fed.
    private var asked: UInt64 = 0
    private var fed: UInt64 = 0

    private var converters: Converters
    private var assembler = FieldAssembler()
    private var field: FieldSearch?
    /// The plan's fields that this one is.
    private var soughtFields: [Int] = []
    private var parser: MessageParser?
    private var transfer = TransferDecoder(.binary)
    private var charset = Charset.utf8
    private var folding = CaseFolding()
    private var decoded: [UInt8] = []
    private var folded: [UInt8] = []

    /// A search that has seen nothing of its message.
    ///
    /// - Parameters:
    ///   - summary: What was stored with the message; without it the message is parsed before it is searched.
    ///   - charsets: Those that are known beside the tables of this module.
    public init(
        _ plan: SearchPlan,
        summary: MessageSummary?,
        sizeBytes: UInt64,
        charsets: (any CharsetSource)? = nil
    ) {
        self.init(plan, Converters(charsets))
        startMessage(in: SearchSection.all(of: summary, sizeBytes: sizeBytes), without: [])
    }

    /// A search that has no message yet.
    init(_ plan: SearchPlan, _ converters: Converters) {
        self.plan = plan
        found = [Bool](repeating: false, count: plan.termCount)
        text = NeedleMatcher(plan.text)
        body = NeedleMatcher(plan.body)
        values = plan.fields.map { NeedleMatcher($0.values) }
        self.converters = converters
    }

    /// Begins with another message.
    ///
    /// - Parameters:
    ///   - sections: Those of the message that are searched.
    ///   - decidedFields: The indexes of the plan's fields that are not looked for: their terms are decided elsewhere,
    ///     and what is told of them here means nothing.
    mutating func startMessage(in sections: [SearchSection], without decidedFields: [Int]) {
        for term in found.indices { found[term] = false }
        for term in plan.always { found[term] = true }
        text.startMessage()
        body.startMessage()
        absentFields = 0
        for index in values.indices {
            values[index].startMessage()
            absentFields += plan.fields[index].presence.count
        }
        for index in decidedFields {
            values[index].stop()
            absentFields -= plan.fields[index].presence.count
            for term in plan.fields[index].presence { found[term] = true }
        }
        converters.startMessage()
        self.sections.removeAll(keepingCapacity: true)
        self.sections.append(contentsOf: sections.reversed())
        section = nil
    }

    /// The bytes to be fed next, wholly and in order; nil when every term is decided.
    public mutating func nextRange() -> Range<UInt64>? {
        while true {
            if let section {
                if fed < asked { return fed..<asked }
                if asked < section.range.upperBound && isOpen(section) {
                    asked = min(section.range.upperBound, asked + Self.rangeBytes)
                    return fed..<asked
                }
                finish(section)
            }
            guard let next = sections.popLast() else { return nil }
            if !next.range.isEmpty && isOpen(next) { start(next) }
        }
    }

    /// A piece of the range asked for.
    public mutating func feed(_ bytes: ByteBuffer) {
        guard let section else { return }
        let count = Int(min(UInt64(bytes.readableBytes), asked - fed))
        let isWhole = fed == section.range.lowerBound && count == section.range.count
        fed += UInt64(count)
        guard let piece = bytes.getSlice(at: bytes.readerIndex, length: count) else { return }
        if case .unread = section.kind {
            parser?.append(piece)
            return
        }
        piece.withUnsafeReadableBytes { look(at: $0, of: section.kind, isWhole: isWhole) }
    }

    /// Whether the n-th term was found.
    public func isFound(_ term: Int) -> Bool { found[term] }

    // MARK: Sections

    /// Whether something may still be found in a section.
    private func isOpen(_ section: SearchSection) -> Bool {
        switch section.kind {
        case .header: text.isOpen || absentFields > 0 || values.contains(where: \.isOpen)
        case .innerHeader, .text: text.isOpen || body.isOpen
        case .partHeader: text.isOpen
        case .unread(let rounds):
            text.isOpen || body.isOpen || (rounds == 0 && (absentFields > 0 || values.contains(where: \.isOpen)))
        }
    }

    private mutating func start(_ next: SearchSection) {
        section = next
        asked = next.range.lowerBound
        fed = asked
        switch next.kind {
        case .header, .innerHeader, .partHeader:
            assembler = FieldAssembler()
            field = nil
        case .text(let encoding, let charset):
            transfer = TransferDecoder(encoding)
            self.charset = charset
            folding = CaseFolding()
            text.startText()
            body.startText()
        case .unread: parser = MessageParser()
        }
    }

    private mutating func finish(_ last: SearchSection) {
        section = nil
        switch last.kind {
        case .header, .innerHeader, .partHeader:
            var events: [FieldAssembler.Event] = []
            assembler.finish { events.append($0) }
            for event in events { take(event, of: last.kind) }
        case .text:
            decoded.removeAll(keepingCapacity: true)
            converters.finish(charset, into: &decoded)
            folded.removeAll(keepingCapacity: true)
            folding.fold(decoded, into: &folded)
            folding.finish(into: &folded)
            text.feed(folded, &found)
            body.feed(folded, &found)
        case .unread(let rounds):
            // What was not fed was not needed.
            guard let summary = parser?.finish(), fed == last.range.upperBound else { return }
            sections += last.sections(of: summary, rounds: rounds).reversed()
        }
    }

    /// - Parameter isWhole: Whether these are all bytes of the section.
    private mutating func look(at bytes: UnsafeRawBufferPointer, of kind: SearchSection.Kind, isWhole: Bool) {
        switch kind {
        case .header, .innerHeader, .partHeader:
            guard !isWhole else { return lookAtHeader(bytes, of: kind) }
            for step in Self.steps(of: bytes) {
                var events: [FieldAssembler.Event] = []
                assembler.append(Array(step)[...]) { events.append($0) }
                for event in events { take(event, of: kind) }
            }
        case .text: for step in Self.steps(of: bytes) { lookAtText(step) }
        case .unread: break
        }
    }

    private static func steps(of bytes: UnsafeRawBufferPointer) -> some Sequence<UnsafeRawBufferPointer> {
        stride(from: 0, to: bytes.count, by: stepBytes).lazy.map {
            UnsafeRawBufferPointer(rebasing: bytes[$0..<min($0 + stepBytes, bytes.count)])
        }
    }

    // MARK: Looking

    /// A header that is there as a whole. Fields that stand there as they are meant are looked at without decoding.
    private mutating func lookAtHeader(_ bytes: UnsafeRawBufferPointer, of kind: SearchSection.Kind) {
        var fields = RawFields(bytes)
        while let field = fields.next() {
            soughtFields = kind == .header ? plan.indexes(ofFieldsNamed: field.name) : []
            guard !soughtFields.isEmpty || text.isOpen || kind == .innerHeader && body.isOpen else { continue }
            guard !lookAtPlainField(field, of: kind) else { continue }
            take(.name(Array(field.name)), of: kind)
            take(.value(Array(field.value)[...]), of: kind)
            take(.end, of: kind)
        }
    }

    /// - Returns: whether the field needs no decoding, and was looked at.
    private mutating func lookAtPlainField(_ field: RawFields.Field, of kind: SearchSection.Kind) -> Bool {
        let fieldKind = FieldSearch.Kind(field.name)
        guard fieldKind != .parameters else { return false }
        var line: [UInt8] = []
        swap(&line, &folded)
        defer { swap(&line, &folded) }
        line.removeAll(keepingCapacity: true)
        line.append(contentsOf: field.name)
        line.append(UInt8(ascii: ":"))
        line.append(ASCII.space)
        let valueStart = line.count
        guard PlainFieldText.unfold(field.value, into: &line) else { return false }
        decoded.removeAll(keepingCapacity: true)
        return line.withUnsafeBytes { line in
            let value = UnsafeRawBufferPointer(rebasing: line[valueStart...])
            if fieldKind == .addresses {
                guard PlainFieldText.appendAddresses(value, to: &decoded) else { return false }
            }
            text.startText()
            text.feedBytes(line, &found)
            text.search(decoded, &found)
            if kind == .innerHeader {
                body.startText()
                body.feedBytes(line, &found)
                body.search(decoded, &found)
            }
            for index in soughtFields {
                lookForPresence(of: index)
                values[index].feedBytes(value, &found)
                values[index].search(decoded, &found)
            }
            return true
        }
    }

    /// Notes that the header has one of the plan's fields, whose text begins.
    private mutating func lookForPresence(of index: Int) {
        values[index].startText()
        for term in plan.fields[index].presence where !found[term] {
            found[term] = true
            absentFields -= 1
        }
    }

    /// More of a header field.
    private mutating func take(_ event: FieldAssembler.Event, of kind: SearchSection.Kind) {
        folded.removeAll(keepingCapacity: true)
        var others: [[UInt8]] = []
        switch event {
        case .name(let name):
            // The values of fields that no term is about are not even decoded.
            soughtFields = kind == .header ? plan.fieldsByName[ASCII.lowercased(name)] ?? [] : []
            guard !soughtFields.isEmpty || text.isOpen || kind == .innerHeader && body.isOpen else {
                self.field = nil
                return
            }
            let field = FieldSearch(name: name)
            self.field = field
            text.startText()
            body.startText()
            folded += field.name + Array(": ".utf8)
            text.feed(folded, &found)
            if kind == .innerHeader { body.feed(folded, &found) }
            for index in soughtFields { lookForPresence(of: index) }
        case .value(let bytes):
            guard field != nil else { return }
            field?.append(bytes, &converters, text: &folded) { others.append($0) }
            lookAtFieldText(others, of: kind)
        case .end:
            guard field != nil else { return }
            field?.finish(&converters, text: &folded) { others.append($0) }
            lookAtFieldText(others, of: kind)
            field = nil
        }
    }

    /// Looks at `folded`, which continues the field's text, and at other texts.
    private mutating func lookAtFieldText(_ others: [[UInt8]], of kind: SearchSection.Kind) {
        text.feed(folded, &found)
        for other in others { text.search(other, &found) }
        if kind == .innerHeader {
            body.feed(folded, &found)
            for other in others { body.search(other, &found) }
        }
        for index in soughtFields {
            values[index].feed(folded, &found)
            for other in others { values[index].search(other, &found) }
        }
    }

    /// A piece of a text.
    private mutating func lookAtText(_ bytes: UnsafeRawBufferPointer) {
        if folding.isAtCharacter, charset.hasASCII, ByteScan.firstBeyondASCII(in: bytes, from: 0) == nil,
            transfer.isPassing(bytes)
        {
            text.feedBytes(bytes, &found)
            body.feedBytes(bytes, &found)
            return
        }
        decoded.removeAll(keepingCapacity: true)
        transfer.decode(bytes, into: &decoded)
        folded.removeAll(keepingCapacity: true)
        if charset == .utf8 {
            folding.fold(decoded, into: &folded)
        } else {
            var utf8: [UInt8] = []
            utf8.reserveCapacity(decoded.count)
            converters.decode(decoded[...], of: charset, into: &utf8)
            folding.fold(utf8, into: &folded)
        }
        text.feed(folded, &found)
        body.feed(folded, &found)
    }
}
