/// Looks for a search's terms in the envelopes that are stored with messages, one message after another.
///
/// The text of a field and its addresses are those that `FieldSearch` makes of the field in a header. Most fields are
/// ASCII without encoded words: these are looked at where they stand.
struct EnvelopeSearch {
    private let plan: SearchPlan
    private var matchers: [NeedleMatcher]
    private var converters: Converters
    /// A field's text, and what else its value says.
    private var text: [UInt8] = []
    private var others: [[UInt8]] = []
    /// The indexes of the plan's fields whose terms the last envelope has decided.
    private(set) var decidedFields: [Int] = []

    init(_ plan: SearchPlan, _ converters: Converters) {
        self.plan = plan
        matchers = plan.fields.map { NeedleMatcher($0.values) }
        self.converters = converters
    }

    /// Looks through a message's envelope.
    ///
    /// - Parameters:
    ///   - summary: What is stored with the message; nil where that cannot be read, and nothing is decided.
    ///   - found: Set for every term that is found.
    /// - Returns: how many bytes had to be decoded.
    mutating func search(_ summary: StoredSummary?, _ found: inout [Bool]) -> Int {
        decidedFields.removeAll(keepingCapacity: true)
        guard let summary, summary.isEnvelopeWhole else { return 0 }
        var decodedBytes = 0
        converters.startMessage()
        for index in plan.envelopeFields {
            guard plan.fields[index].isDecided(whenEnvelopeRepeats: summary.hasRepeatedFields),
                let field = plan.fields[index].envelopeField
            else { continue }
            decidedFields.append(index)
            summary.withValue(of: field) { value in
                guard let value else { return }
                for term in plan.fields[index].presence { found[term] = true }
                matchers[index].startMessage()
                guard matchers[index].isOpen else { return }
                guard !lookAtPlain(value, of: index, isAddressList: field.isAddressList, &found) else { return }
                decodedBytes += value.count
                decode(value, of: index, &found)
            }
        }
        return decodedBytes
    }

    /// - Returns: whether the field needs no decoding, and was looked at.
    private mutating func lookAtPlain(
        _ value: UnsafeRawBufferPointer,
        of index: Int,
        isAddressList: Bool,
        _ found: inout [Bool]
    ) -> Bool {
        guard PlainFieldText.isPlain(value) else { return false }
        guard isAddressList else {
            matchers[index].feedBytes(value, &found)
            return true
        }
        text.removeAll(keepingCapacity: true)
        guard PlainFieldText.appendAddresses(value, to: &text) else { return false }
        matchers[index].feedBytes(value, &found)
        matchers[index].startText()
        matchers[index].feed(text, &found)
        return true
    }

    /// Looks at a field that has to be decoded, as a search of the header does.
    private mutating func decode(_ value: UnsafeRawBufferPointer, of index: Int, _ found: inout [Bool]) {
        text.removeAll(keepingCapacity: true)
        others.removeAll(keepingCapacity: true)
        var field = FieldSearch(name: plan.fields[index].name)
        field.append(Array(value)[...], &converters, text: &text) { others.append($0) }
        field.finish(&converters, text: &text) { others.append($0) }
        matchers[index].feed(text, &found)
        for other in others { matchers[index].search(other, &found) }
    }
}
