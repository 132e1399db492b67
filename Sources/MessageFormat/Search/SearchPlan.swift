/// The terms of one search, made ready once to be looked for in many messages.
public struct SearchPlan: Sendable {
    let termCount: Int
    /// Terms that are in every message.
    let always: [Int]
    /// What is looked for in the message's header and in everything behind it, and what behind it only.
    let text: NeedleAutomaton
    let body: NeedleAutomaton
    /// The header fields that terms are about.
    let fields: [SoughtField]
    /// The indexes of the fields with a name, which is in lower case.
    let fieldsByName: [[UInt8]: [Int]]
    /// The indexes of the fields that a stored envelope may decide.
    let envelopeFields: [Int]

    /// Folds the case of all terms and builds the automata that look for them.
    public init(_ terms: [SearchTerm]) {
        var text: [(value: [UInt8], term: Int)] = []
        var body: [(value: [UInt8], term: Int)] = []
        var fields: [SoughtField] = []
        var values: [[(value: [UInt8], term: Int)]] = []
        var always: [Int] = []
        var indexes: [SoughtField: Int] = [:]
        func add(_ value: [UInt8], _ term: Int, to field: SoughtField) {
            let index = indexes[field] ?? fields.count
            if index == fields.count {
                indexes[field] = index
                fields.append(field)
                values.append([])
            }
            fields[index].terms.append(term)
            let folded = CaseFolding.fold(value)
            if folded.isEmpty { fields[index].presence.append(term) } else { values[index].append((folded, term)) }
        }
        for (number, term) in terms.enumerated() {
            switch term {
            case .text(let value), .body(let value):
                let folded = CaseFolding.fold(value)
                if folded.isEmpty {
                    always.append(number)
                } else if case .text = term {
                    text.append((folded, number))
                } else {
                    body.append((folded, number))
                }
            case .envelope(let field, let value):
                add(value, number, to: SoughtField(field))
            case .header(let name, let value):
                add(value, number, to: SoughtField(name: ASCII.lowercased(name)))
            }
        }
        termCount = terms.count
        self.always = always
        self.text = NeedleAutomaton(text)
        self.body = NeedleAutomaton(body)
        for index in fields.indices { fields[index].values = NeedleAutomaton(values[index]) }
        self.fields = fields
        fieldsByName = Dictionary(grouping: fields.indices) { fields[$0].name }
        envelopeFields = fields.indices.filter { fields[$0].envelopeField != nil }
    }
}

extension SearchPlan {
    /// - Parameter name: In any case.
    func indexes(ofFieldsNamed name: UnsafeRawBufferPointer) -> [Int] {
        fields.isEmpty ? [] : fieldsByName[name.map(ASCII.lower)] ?? []
    }
}

/// One field of a message's header, and what is looked for in it.
struct SoughtField: Sendable {
    /// In lower case.
    let name: [UInt8]
    /// The field of an envelope that has this name.
    let envelopeField: EnvelopeField?
    /// Whether the envelope's field is meant, and not all fields of that name.
    let isOfEnvelope: Bool
    /// All terms about the field, and those that ask for no more than the field to be there.
    var terms: [Int] = []
    var presence: [Int] = []
    var values = NeedleAutomaton([])

    init(_ field: EnvelopeField) {
        name = ASCII.bytes(field.name)
        envelopeField = field
        isOfEnvelope = true
    }

    /// - Parameter name: In lower case.
    init(name: [UInt8]) {
        self.name = name
        envelopeField = EnvelopeField(name: name)
        isOfEnvelope = false
    }

    /// Whether a whole envelope tells all that the terms ask.
    ///
    /// - Parameter hasRepeatedFields: Whether a field of the envelope stands in the header more than once.
    func isDecided(whenEnvelopeRepeats hasRepeatedFields: Bool) -> Bool {
        envelopeField != nil && (isOfEnvelope || !hasRepeatedFields)
    }
}

/// Equal when they are about the same field, whatever is looked for.
extension SoughtField: Hashable {
    static func == (one: Self, other: Self) -> Bool {
        one.isOfEnvelope == other.isOfEnvelope && one.name == other.name
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(isOfEnvelope)
        hasher.combine(name)
    }
}
