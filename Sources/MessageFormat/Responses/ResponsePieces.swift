public import NIOCore

/// A response that is written piece by piece, so that the addresses of a header of 4 MiB do not hold up a thread.
public struct ResponsePieces {
    private enum Piece {
        case written(ByteBuffer)
        case addresses([UInt8])
    }
    /// Bytes of a field that are read for one piece: a few milliseconds at the most.
    private static let pieceBytes = 32 * 1_024

    /// The bytes behind the last of `pieces`.
    var buffer = ByteBuffer()
    /// The pieces before `buffer`.
    private var pieces: [Piece] = []
    /// The index of the piece that is written next.
    private var next = 0
    /// The list that is being written, and whether it has an entry yet.
    private var parser: AddressParser?
    private var hasEntries = false

    init() {}

    /// Appends a list of addresses.
    mutating func write(_ list: AddressList) {
        switch list {
        case .short(let addresses):
            guard !addresses.isEmpty else {
                buffer.writeStaticString("NIL")
                return
            }
            buffer.writeStaticString("(")
            for address in addresses { Self.write(address, into: &buffer) }
            buffer.writeStaticString(")")
        case .long(let field):
            pieces.append(.written(buffer))
            pieces.append(.addresses(field))
            buffer = ByteBuffer()
        }
    }

    /// Hands the next piece over.
    /// - Returns: whether it was the last one.
    public mutating func writeNext(into output: inout ByteBuffer) -> Bool {
        guard next < pieces.count else {
            output.writeBuffer(&buffer)
            return true
        }
        switch pieces[next] {
        case .written(let bytes):
            output.writeImmutableBuffer(bytes)
            next += 1
        case .addresses(let field):
            var parser = self.parser ?? AddressParser(field)
            self.parser = nil
            let (entries, isAtEnd) = parser.parseNext(bytes: Self.pieceBytes)
            if !entries.isEmpty && !hasEntries {
                output.writeStaticString("(")
                hasEntries = true
            }
            for entry in entries { Self.write(entry, into: &output) }
            guard isAtEnd else {
                self.parser = parser
                return false
            }
            if hasEntries { output.writeStaticString(")") } else { output.writeStaticString("NIL") }
            hasEntries = false
            pieces[next] = .written(ByteBuffer())
            next += 1
        }
        return false
    }

    /// Hands over all there is.
    mutating func writeAll(into output: inout ByteBuffer) { while !writeNext(into: &output) {} }

    private static func write(_ address: Address, into buffer: inout ByteBuffer) {
        switch address {
        case .mailbox(let name, let route, let mailbox, let host):
            buffer.writeStaticString("(")
            buffer.writeNString(name)
            buffer.writeSpace()
            buffer.writeNString(route)
            buffer.writeSpace()
            buffer.writeIMAPString(mailbox)
            buffer.writeSpace()
            buffer.writeIMAPString(host)
            buffer.writeStaticString(")")
        case .groupStart(let name):
            buffer.writeStaticString("(NIL NIL ")
            buffer.writeIMAPString(name)
            buffer.writeStaticString(" NIL)")
        case .groupEnd:
            buffer.writeStaticString("(NIL NIL NIL NIL)")
        }
    }
}
