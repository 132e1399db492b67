internal import FuzzDriver
internal import FuzzSupport
internal import MailModel
internal import NIOCore
internal import PeerTransport

@main struct Main {
    static func main() { fuzz(fuzzPeer) }
}

/// The first byte chooses between a stream of frames, one with its checksum made right, and the body of one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPeer(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var buffer = input(bytes, count)
    guard let kind = buffer.readInteger(as: UInt8.self) else { return 0 }
    switch kind % 3 {
    case 0: stream(buffer)
    case 1: stream(repaired(buffer))
    default: messages(buffer)
    }
    return 0
}

private func stream(_ bytes: ByteBuffer) {
    var rest = bytes
    do throws(DecodingError) {
        while let body = try Frame.next(from: &rest) { messages(body) }
    } catch {
        require(error.offset >= 0, "an offset before the input: \(error)")
    }
}

/// The first frame's checksum and length fit what is there.
private func repaired(_ bytes: ByteBuffer) -> ByteBuffer {
    guard bytes.readableBytes > 8 else { return bytes }
    var buffer = bytes
    let start = buffer.readerIndex
    buffer.setInteger(UInt32(bytes.readableBytes - 4), at: start)
    buffer.setInteger(checksum(buffer, 8..<bytes.readableBytes), at: start + 4)
    return buffer
}

private func messages(_ body: ByteBuffer) {
    do throws(DecodingError) {
        let once = encoded(try Frame.messages(in: body))
        let twice: ByteBuffer
        do throws(DecodingError) {
            twice = encoded(try Frame.messages(in: once))
        } catch {
            fatalError("what was written cannot be read: \(error)")
        }
        require(once == twice, "what was read is not what is written")
        require(once.readableBytes <= body.readableBytes, "writing made more of it")
    } catch {
        require((0...body.readableBytes).contains(error.offset), "an offset outside of the input: \(error)")
    }
}

private func encoded(_ messages: [PeerMessage]) -> ByteBuffer {
    var buffer = ByteBuffer()
    for message in messages { message.encode(into: &buffer) }
    return buffer
}
