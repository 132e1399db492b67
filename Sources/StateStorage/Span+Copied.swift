extension Span<UInt8> {
    /// The bytes as an array, which outlives the call that lent them.
    package func copied() -> [UInt8] {
        unsafe withUnsafeBufferPointer { pointer in unsafe Array(pointer) }
    }
}
