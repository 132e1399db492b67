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
    private var values: [NeedleMatcher]
    /// How many terms ask for a field only, and have not met it.
    private var absentFields: Int

    /// The sections to be searched after the current one, the next one last.
    private var sections: [SearchSection]
    private var section: SearchSection?
    /// What has been asked for, and what of it has been fed.
    private var asked: UInt64 = 0
    private var fed: UInt64 = 0

    private var converters: Converters
    private var assembler = FieldAssembler()
    private var field: FieldSearch?
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
        self.plan = plan
        found = [Bool](repeating: false, count: plan.termCount)
        for term in plan.always { found[term] = true }
        text = NeedleMatcher(plan.text)
        body = NeedleMatcher(plan.body)
        values = plan.values.map(NeedleMatcher.init)
        absentFields = plan.presence.reduce(0) { $0 + $1.count }
        converters = Converters(charsets)
        sections = SearchSection.all(of: summary, sizeBytes: sizeBytes).reversed()
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
        let count = min(UInt64(bytes.readableBytes), asked - fed)
        fed += count
        guard let piece = bytes.getSlice(at: bytes.readerIndex, length: Int(count)) else { return }
        if case .unread = section.kind {
            parser?.append(piece)
            return
        }
        var rest = ArraySlice(piece.readableBytesView)
        while !rest.isEmpty {
            let step = rest.prefix(Self.stepBytes)
            rest = rest.dropFirst(step.count)
            feed(step, of: section.kind)
        }
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

    private mutating func feed(_ bytes: ArraySlice<UInt8>, of kind: SearchSection.Kind) {
        switch kind {
        case .header, .innerHeader, .partHeader:
            var events: [FieldAssembler.Event] = []
            assembler.append(bytes) { events.append($0) }
            for event in events { take(event, of: kind) }
        case .text: lookAtText(bytes)
        case .unread: break
        }
    }

    // MARK: Looking

    /// More of a header field.
    private mutating func take(_ event: FieldAssembler.Event, of kind: SearchSection.Kind) {
        folded.removeAll(keepingCapacity: true)
        var others: [[UInt8]] = []
        switch event {
        case .name(let name):
            // The values of fields that no term is about are not even decoded.
            let isNamed = kind == .header && plan.fields[ASCII.lowercased(name)] != nil
            guard isNamed || text.isOpen || kind == .innerHeader && body.isOpen else {
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
            guard kind == .header, let index = plan.fields[field.name] else { return }
            values[index].startText()
            for term in plan.presence[index] where !found[term] {
                found[term] = true
                absentFields -= 1
            }
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
        guard kind == .header, let name = field?.name, let index = plan.fields[name] else { return }
        values[index].feed(folded, &found)
        for other in others { values[index].search(other, &found) }
    }

    /// A piece of a text.
    private mutating func lookAtText(_ bytes: ArraySlice<UInt8>) {
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
