public import NIOCore

extension MessageSummary {
    /// Writes the parenthesised list of ENVELOPE (RFC 3501, section 7.4.2).
    public func writeEnvelope(into buffer: inout ByteBuffer) {
        EnvelopeWriter.write(root.envelope ?? EnvelopeFields(), into: &buffer)
    }

    /// Writes the parenthesised list of BODYSTRUCTURE, or of BODY when not extended (RFC 3501, section 7.4.2).
    public func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
        BodyStructureWriter(isExtended: isExtended).write(root, into: &buffer)
    }
}
