/// What may still be kept of a message's header values. One entity takes at most half of what is left, so that a
/// greedy one leaves something to those after it.
struct KeptBytes {
    private var total: Int
    private var share = 0
    /// Whether something of the entity's values was left out since the last time this was asked.
    private var isCut = false

    init(_ limits: HeaderLimits) { total = limits.keptBytes }

    mutating func startEntity() { share = total / 2 }

    mutating func takeIsCut() -> Bool {
        defer { isCut = false }
        return isCut
    }

    /// Cuts the value to what is left.
    mutating func keepField(_ value: inout [UInt8]?, of name: FieldName) {
        guard let count = value?.count else { return }
        if count > share {
            value.mutate { name.cut.shorten(&$0, to: share) }
            isCut = true
        }
        spend(value?.count ?? 0)
    }

    /// Keeps the parameters that fit, each with some bytes for its lengths.
    mutating func keepType(_ type: inout ContentType) {
        let nameBytes = type.type.utf8.count + type.subtype.utf8.count
        guard nameBytes <= share else {
            type = .opaque
            isCut = true
            return
        }
        spend(nameBytes)
        for (index, parameter) in type.parameters.enumerated() {
            let bytes = parameter.name.count + parameter.value.count + 6
            guard bytes <= share else {
                type.parameters.removeSubrange(index...)
                isCut = true
                return
            }
            spend(bytes)
        }
    }

    private mutating func spend(_ bytes: Int) {
        share -= bytes
        total -= bytes
    }
}

extension Optional<[UInt8]> {
    fileprivate mutating func mutate(_ change: (inout [UInt8]) -> Void) {
        guard var value = self else { return }
        self = nil
        change(&value)
        self = value
    }
}
