public import NIOCore

/// Looks for the terms of one search in messages, one after another: first in what is stored with a message, then in
/// the message's bytes, as far as that leaves terms open.
public struct MessageSearch {
    private let plan: SearchPlan
    private var envelope: EnvelopeSearch
    private var text: TextSearch
    /// Which terms the envelope has, of those that it decides.
    private var foundInEnvelope: [Bool]
    /// By term, whether it is in the message; nil while that is not known.
    public private(set) var found: [Bool?]

    private var summary = ByteBuffer()
    private var sizeBytes: UInt64 = 0
    /// Whether bytes were asked for.
    private var isTextStarted = false

    /// - Parameter charsets: Those that are known beside the tables of this module.
    public init(_ plan: SearchPlan, charsets: (any CharsetSource)? = nil) {
        self.plan = plan
        envelope = EnvelopeSearch(plan, Converters(charsets))
        text = TextSearch(plan, Converters(charsets))
        foundInEnvelope = [Bool](repeating: false, count: plan.termCount)
        found = [Bool?](repeating: nil, count: plan.termCount)
    }

    /// Begins with another message.
    ///
    /// - Parameter summary: What is stored with the message, encoded. Of one that cannot be read nothing is decided,
    ///   and the message is parsed before it is searched.
    /// - Returns: how many bytes of the summary had to be decoded. Each costs about as much as one of a header.
    public mutating func start(summary: ByteBuffer, sizeBytes: UInt64) -> Int {
        self.summary = summary
        self.sizeBytes = sizeBytes
        isTextStarted = false
        for term in found.indices {
            foundInEnvelope[term] = false
            found[term] = nil
        }
        for term in plan.always { found[term] = true }
        guard !plan.envelopeFields.isEmpty else { return 0 }
        let decodedBytes = envelope.search(try? StoredSummary(summary), &foundInEnvelope)
        for index in envelope.decidedFields {
            for term in plan.fields[index].terms { found[term] = foundInEnvelope[term] }
        }
        return decodedBytes
    }

    /// The bytes of the message to be fed next, wholly and in order; nil when every term is decided.
    public mutating func nextRange() -> Range<UInt64>? {
        if !isTextStarted {
            text.startMessage(in: sections, without: envelope.decidedFields)
            isTextStarted = true
        }
        if let range = text.nextRange() { return range }
        for term in found.indices where found[term] == nil { found[term] = text.isFound(term) }
        return nil
    }

    /// The sections of the message that terms are looked for in.
    private var sections: [SearchSection] {
        if plan.text.isEmpty, plan.body.isEmpty, let front = try? StoredSummary(summary) {
            let header = SearchSection(kind: .header, range: 0..<min(front.headerBytes, sizeBytes))
            return [header]
        }
        return SearchSection.all(of: try? MessageSummary(decoding: summary), sizeBytes: sizeBytes)
    }

    /// A piece of the range asked for.
    public mutating func feed(_ bytes: ByteBuffer) { text.feed(bytes) }
}
