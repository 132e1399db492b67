internal import FuzzSupport
internal import NIOCore
internal import PeerTransport

/// A message of every kind, and frames of several, as `fuzz-peer` takes them.
@main struct Main {
    static func main() {
        let seeds = Seeds()
        for (index, message) in Samples.messages.enumerated() {
            var bytes = ByteBuffer(integer: 2, as: UInt8.self)
            message.encode(into: &bytes)
            seeds.write("seed-message-\(index)", bytes)
        }
        for (index, kind) in ([0, 1] as [UInt8]).enumerated() {
            var bytes = ByteBuffer(integer: kind)
            Frame.encode(Samples.messages, into: &bytes)
            Frame.encode(Samples.messages.prefix(2), into: &bytes)
            seeds.write("seed-frames-\(index)", bytes)
        }
    }
}
