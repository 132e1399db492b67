/// What may still be kept of a message's header values. One entity takes at most half of what is left, so that a
/// greedy one leaves something to those after it.
struct KeptBytes {
    private var total = FormatLimits.keptBytes
    private var share = 0

    mutating func startEntity() { share = total / 2 }

    /// Cuts the value to what is left.
    mutating func keep(_ value: inout [UInt8]?) {
        guard let count = value?.count else { return }
        let kept = min(count, share)
        if kept < count { value?.removeLast(count - kept) }
        spend(kept)
    }

    /// Keeps the parameters that fit, each with some bytes for its lengths.
    mutating func keep(_ type: inout ContentType) {
        let nameBytes = type.type.utf8.count + type.subtype.utf8.count
        guard nameBytes <= share else {
            type = .opaque
            return
        }
        spend(nameBytes)
        for (index, parameter) in type.parameters.enumerated() {
            let bytes = parameter.name.count + parameter.value.count + 6
            guard bytes <= share else {
                type.parameters.removeSubrange(index...)
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
