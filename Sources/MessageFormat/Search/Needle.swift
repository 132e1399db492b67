/// What one search term looks for.
struct Needle: Hashable, Sendable {
    /// Of a header field; nil for a term that looks at whole texts.
    let field: [UInt8]?
    /// Folded.
    let value: [UInt8]
    /// Whether the message's own header is looked at, and what is behind it.
    let isOfHeader: Bool
    let isOfBody: Bool

    init(_ term: SearchTerm) {
        switch term {
        case .header(let name, let value):
            field = name
            self.value = CaseFolding.fold(value)
            isOfHeader = true
            isOfBody = false
        case .body(let value):
            field = nil
            self.value = CaseFolding.fold(value)
            isOfHeader = false
            isOfBody = true
        case .text(let value):
            field = nil
            self.value = CaseFolding.fold(value)
            isOfHeader = true
            isOfBody = true
        }
    }

    /// Whether the value stands in a folded text.
    func isFound(in text: [UInt8]) -> Bool {
        guard let first = value.first else { return true }
        guard text.count >= value.count else { return false }
        return text.withUnsafeBufferPointer { text in
            value.withUnsafeBufferPointer { value in
                for start in 0...(text.count - value.count) where text[start] == first {
                    var index = 1
                    while index < value.count, text[start &+ index] == value[index] { index &+= 1 }
                    if index == value.count { return true }
                }
                return false
            }
        }
    }
}
