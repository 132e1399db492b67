internal import MailModel
public import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Asks a node of a cluster to be let in.
public enum JoinCall {
    /// How long an answer may take: the directory has to agree.
    static let answerSeconds: Int64 = 15

    /// Sends the request, and waits for the answer.
    ///
    /// - Parameters:
    ///   - tls: nil connects without encryption.
    /// - Throws: what the system says when the node cannot be reached; `DecodingError` for an answer that cannot be
    ///   read; ``JoinCallError`` where there is none.
    public static func send(
        _ request: JoinRequest,
        host: String,
        port: Int,
        tls: PeerTLS?,
        group: any EventLoopGroup
    ) async throws -> JoinReply {
        let loop = group.next()
        let promise = loop.makePromise(of: JoinReply.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(.seconds(PeerLimits.connectSeconds))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls {
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: tls.client, serverHostname: nil)
                            )
                        }
                        try channel.pipeline.syncOperations.addHandler(JoinCallHandler(promise))
                    }
                }
                .connect(host: host, port: port)
                .get()
        } catch {
            promise.fail(error)
            return try await promise.futureResult.get()
        }
        var frame = channel.allocator.buffer(capacity: 256)
        Frame.encodeBody(into: &frame) { request.encode(into: &$0) }
        channel.writeAndFlush(frame, promise: nil)
        let deadline = loop.scheduleTask(in: .seconds(answerSeconds)) { channel.close(promise: nil) }
        defer {
            deadline.cancel()
            channel.close(promise: nil)
        }
        return try await promise.futureResult.get()
    }
}

/// A node that was asked to let this one in has not answered.
public struct JoinCallError: Error, CustomStringConvertible {
    public let description: String
}

private final class JoinCallHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<JoinReply>
    private var assembler = FrameAssembler()
    private var isOver = false

    init(_ promise: EventLoopPromise<JoinReply>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var read = unwrapInboundIn(data)
        guard !isOver else { return }
        do {
            let body = try assembler.next(
                from: &read,
                maximumBytes: JoinReply.maximumFrameBytes,
                allocator: context.channel.allocator
            )
            if let body { end(.success(try JoinReply(decoding: body))) }
        } catch {
            end(.failure(error))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failure(error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(JoinCallError(description: "it closed the connection without an answer")))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.failure(JoinCallError(description: "the connection ended")))
    }

    private func end(_ result: Result<JoinReply, any Error>) {
        guard !isOver else { return }
        isOver = true
        promise.completeWith(result)
    }
}
