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
    case 2: query(buffer)
    case 3: answer(buffer)
    default: if kind & 1 == 0 { command(buffer) } else { outcome(buffer) }
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

private func outcome(_ buffer: ByteBuffer) {
    do throws(DecodingError) {
        var decoder = WireDecoder(buffer, subject: "outcome")
        let outcome = try MailOutcome(from: &decoder)
        try decoder.finish()
        var encoded = ByteBuffer()
        outcome.encode(into: &encoded)
        var again = WireDecoder(encoded, subject: "outcome again")
        require(try MailOutcome(from: &again) == outcome, "what was read is not what is written")
    } catch {
        require((0...buffer.readableBytes).contains(error.offset), "an offset outside of the input: \(error)")
    }
}

private func query(_ buffer: ByteBuffer) {
    do throws(DecodingError) {
        var decoder = WireDecoder(buffer, subject: "query")
        let query = try GroupQuery(from: &decoder)
        try decoder.finish()
        var encoded = ByteBuffer()
        query.encode(into: &encoded)
        var again = WireDecoder(encoded, subject: "query again")
        require(try GroupQuery(from: &again) == query, "what was read is not what is written")
    } catch {
        require((0...buffer.readableBytes).contains(error.offset), "an offset outside of the input: \(error)")
    }
}

private func answer(_ buffer: ByteBuffer) {
    do throws(DecodingError) {
        var decoder = WireDecoder(buffer, subject: "answer")
        let answer = try GroupAnswer(from: &decoder)
        try decoder.finish()
        var encoded = ByteBuffer()
        answer.encode(into: &encoded)
        var again = WireDecoder(encoded, subject: "answer again")
        require(try GroupAnswer(from: &again) == answer, "what was read is not what is written")
    } catch {
        require((0...buffer.readableBytes).contains(error.offset), "an offset outside of the input: \(error)")
    }
}
