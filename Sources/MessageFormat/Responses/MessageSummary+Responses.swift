public import NIOCore

extension MessageSummary {
    /// Writes the parenthesised list of ENVELOPE (RFC 3501, section 7.4.2).
    public func writeEnvelope(into buffer: inout ByteBuffer) {
        var pieces = envelopePieces()
        pieces.writeAll(into: &buffer)
    }

    /// Writes the parenthesised list of BODYSTRUCTURE, or of BODY when not extended (RFC 3501, section 7.4.2).
    public func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
        var pieces = bodyStructurePieces(isExtended: isExtended)
        pieces.writeAll(into: &buffer)
    }

    /// The same as `writeEnvelope`, piece by piece.
    public func envelopePieces() -> ResponsePieces {
        var pieces = ResponsePieces()
        EnvelopeWriter.write(root.envelope ?? EnvelopeFields(), into: &pieces)
        return pieces
    }

    /// The same as `writeBodyStructure`, piece by piece.
    public func bodyStructurePieces(isExtended: Bool) -> ResponsePieces {
        var pieces = ResponsePieces()
        BodyStructureWriter(isExtended: isExtended).write(root, into: &pieces)
        return pieces
    }
}
