/// The terms of one search, made ready once to be looked for in many messages.
public struct SearchPlan: Sendable {
    let termCount: Int
    /// Terms that are in every message.
    let always: [Int]
    /// What is looked for in the message's header and in everything behind it, and what behind it only.
    let text: NeedleAutomaton
    let body: NeedleAutomaton
    /// By the field's name in lower case.
    let fields: [[UInt8]: Int]
    /// What is looked for in those fields, and which terms ask for no more than the field.
    let values: [NeedleAutomaton]
    let presence: [[Int]]

    /// Folds the case of all terms and builds the automata that look for them.
    public init(_ terms: [SearchTerm]) {
        var text: [(value: [UInt8], term: Int)] = []
        var body: [(value: [UInt8], term: Int)] = []
        var values: [[(value: [UInt8], term: Int)]] = []
        var presence: [[Int]] = []
        var fields: [[UInt8]: Int] = [:]
        var always: [Int] = []
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
            case .header(let name, let value):
                let name = ASCII.lowercased(name)
                let field = fields[name] ?? values.count
                if field == values.count {
                    fields[name] = field
                    values.append([])
                    presence.append([])
                }
                let folded = CaseFolding.fold(value)
                if folded.isEmpty { presence[field].append(number) } else { values[field].append((folded, number)) }
            }
        }
        termCount = terms.count
        self.always = always
        self.text = NeedleAutomaton(text)
        self.body = NeedleAutomaton(body)
        self.fields = fields
        self.values = values.map(NeedleAutomaton.init)
        self.presence = presence
    }
}
