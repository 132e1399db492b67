internal import FuzzDriver
internal import FuzzSupport
internal import MailModel
internal import NIOCore

@main struct Main {
    static func main() { fuzz(fuzzCommand) }
}

/// The first byte chooses between a command, an outcome, a query and an answer; the rest is its encoding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCommand(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var buffer = input(bytes, count)
    guard let kind = buffer.readInteger(as: UInt8.self) else { return 0 }
    switch kind {
    case 2: check(buffer, as: GroupQuery.self)
    case 3: check(buffer, as: GroupAnswer.self)
    default: if kind & 1 == 0 { command(buffer) } else { check(buffer, as: MailOutcome.self) }
    }
    return 0
}

private func command(_ buffer: ByteBuffer) {
    do throws(DecodingError) {
        let envelope = try CommandEnvelope(decoding: buffer)
        let encoded = envelope.encoded()
        require(try CommandEnvelope(decoding: encoded) == envelope, "what was read is not what is written")
        require(encoded.readableBytes <= buffer.readableBytes, "writing made more of it")
    } catch {
        require((0...buffer.readableBytes).contains(error.offset), "an offset outside of the input: \(error)")
    }
}

/// What goes between nodes without an envelope.
private protocol WireCoded: Equatable {
    init(from decoder: inout WireDecoder) throws(DecodingError)
    func encode(into buffer: inout ByteBuffer)
}

extension MailOutcome: WireCoded {}
extension GroupQuery: WireCoded {}
extension GroupAnswer: WireCoded {}

private func check<Value: WireCoded>(_ buffer: ByteBuffer, as _: Value.Type) {
    do throws(DecodingError) {
        var decoder = WireDecoder(buffer, subject: "input")
        let value = try Value(from: &decoder)
        try decoder.finish()
        var encoded = ByteBuffer()
        value.encode(into: &encoded)
        var again = WireDecoder(encoded, subject: "input again")
        require(try Value(from: &again) == value, "what was read is not what is written")
    } catch {
        require((0...buffer.readableBytes).contains(error.offset), "an offset outside of the input: \(error)")
    }
}
