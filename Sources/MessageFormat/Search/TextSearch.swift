public import NIOCore

/// Looks for terms in one message whose bytes are handed to it piece by piece, as far as they are needed. Memory is
/// bounded: text is looked at as it passes, and only as much of it kept as a term is long.
///
/// Headers and text parts are decoded (RFC 3501, section 6.4.4); parts of other types are left out.
public struct TextSearch: Sendable {
    /// The longest range asked for at once: when all terms are found, no more is asked for.
    private static let rangeBytes: UInt64 = 256 * 1_024
    /// The most that is decoded at once.
    private static let stepBytes = 16 * 1_024

    private let needles: [Needle]
    private var found: [Bool]
    /// Those to be searched after the current one, last first.
    private var sections: [SearchSection]
    private var section: SearchSection?
    /// What has been asked for, and what of it has been fed.
    private var asked: UInt64 = 0
    private var fed: UInt64 = 0

    private var assembler = FieldAssembler()
    private var transfer = TransferDecoder(.binary)
    private var charset = Charset.utf8
    private var folding = CaseFolding()
    /// Folded text: the end of what has been looked at, and what has not.
    private var window: [UInt8] = []
    private var decoded: [UInt8] = []
    private let overlapBytes: Int

    /// - Parameter summary: What was stored with the message; without it the message is read as one text.
    public init(terms: [SearchTerm], summary: MessageSummary?, sizeBytes: UInt64) {
        let needles = terms.map(Needle.init)
        self.needles = needles
        found = needles.map { $0.field == nil && $0.value.isEmpty }
        overlapBytes = max(0, (needles.map(\.value.count).max() ?? 0) - 1)
        sections = SearchSection.all(of: summary, sizeBytes: sizeBytes).reversed()
    }

    /// The bytes to be fed next, wholly and in order; nil when every term is decided.
    public mutating func nextRange() -> Range<UInt64>? {
        while true {
            if let section {
                if fed < asked { return fed..<asked }
                if asked < section.range.upperBound && needles.indices.contains(where: { isOpen($0, in: section) }) {
                    asked = min(section.range.upperBound, asked + Self.rangeBytes)
                    return fed..<asked
                }
                finish(section)
            }
            guard !found.allSatisfy({ $0 }), let next = sections.popLast() else { return nil }
            if !next.range.isEmpty && needles.indices.contains(where: { isOpen($0, in: next) }) { start(next) }
        }
    }

    /// A piece of the range asked for.
    public mutating func feed(_ bytes: ByteBuffer) {
        guard let section else { return }
        let count = min(UInt64(bytes.readableBytes), asked - fed)
        fed += count
        var rest = bytes.readableBytesView.prefix(Int(count))
        while !rest.isEmpty {
            let step = rest.prefix(Self.stepBytes)
            rest = rest.dropFirst(step.count)
            feed(ArraySlice(step), of: section.kind)
        }
    }

    /// Whether the n-th term was found.
    public func isFound(_ term: Int) -> Bool { found[term] }

    // MARK: Sections

    private func isOpen(_ index: Int, in section: SearchSection) -> Bool {
        guard !found[index] else { return false }
        switch section.kind {
        case .header: return needles[index].isOfHeader
        case .innerHeader, .text: return needles[index].isOfBody
        case .unknown: return true
        }
    }

    private mutating func start(_ next: SearchSection) {
        section = next
        asked = next.range.lowerBound
        fed = asked
        assembler = FieldAssembler()
        folding = CaseFolding()
        window.removeAll(keepingCapacity: true)
        switch next.kind {
        case .header, .innerHeader, .unknown:
            transfer = TransferDecoder(.binary)
            charset = .utf8
        case .text(let encoding, let charset):
            transfer = TransferDecoder(encoding)
            self.charset = charset
        }
    }

    private mutating func finish(_ last: SearchSection) {
        section = nil
        switch last.kind {
        case .text: break
        case .header, .innerHeader, .unknown:
            var fields: [[UInt8]] = []
            assembler.finish { fields.append($0) }
            for field in fields { look(at: field, isOfBody: last.kind == .innerHeader) }
        }
    }

    private mutating func feed(_ bytes: ArraySlice<UInt8>, of kind: SearchSection.Kind) {
        var rest = bytes
        switch kind {
        case .text: break
        case .header, .innerHeader, .unknown:
            var fields: [[UInt8]] = []
            assembler.append(&rest) { fields.append($0) }
            for field in fields { look(at: field, isOfBody: kind == .innerHeader) }
            guard kind == .unknown else { return }
        }
        if !rest.isEmpty { look(at: rest) }
    }

    // MARK: Looking

    /// A header field: its lines, folded as they are.
    private mutating func look(at field: [UInt8], isOfBody: Bool) {
        guard let colon = field.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = ASCII.trimmed(Array(field[..<colon]))
        let value = CaseFolding.fold(HeaderText.decodedBytes(Array(field[(colon + 1)...])))
        let whole = ASCII.lowercased(name) + Array(": ".utf8) + value
        for (index, needle) in needles.enumerated() where !found[index] {
            if let wanted = needle.field {
                found[index] = !isOfBody && ASCII.equalIgnoringCase(wanted, name) && needle.isFound(in: value)
            } else if isOfBody ? needle.isOfBody : needle.isOfHeader {
                found[index] = needle.isFound(in: whole)
            }
        }
    }

    /// A piece of a text.
    private mutating func look(at bytes: ArraySlice<UInt8>) {
        decoded.removeAll(keepingCapacity: true)
        transfer.decode(bytes, into: &decoded)
        if charset == .utf8 {
            folding.fold(decoded, into: &window)
        } else {
            var text: [UInt8] = []
            text.reserveCapacity(decoded.count)
            charset.decode(decoded, into: &text)
            folding.fold(text, into: &window)
        }
        for (index, needle) in needles.enumerated() where !found[index] && needle.isOfBody {
            found[index] = needle.isFound(in: window)
        }
        if window.count > overlapBytes { window.removeFirst(window.count - overlapBytes) }
    }
}
