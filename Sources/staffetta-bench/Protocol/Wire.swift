internal import Glibc
internal import LoadModel

/// A blocking connection that hands out lines.
final class Wire {
    private let descriptor: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    private static let bufferBytes = 65_536

    /// - Parameter timeoutSeconds: how long to wait for any answer.
    init(_ endpoint: Endpoint, timeoutSeconds: Int) throws {
        descriptor = try Self.connect(endpoint, timeoutSeconds)
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 16)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    private static func connect(_ endpoint: Endpoint, _ timeoutSeconds: Int) throws -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(endpoint.host, "\(endpoint.port)", &hints, &list)
        guard status == 0 else {
            throw RequestError.connectionLost("\(endpoint.host): \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(list) }
        var failure = ""
        var next = list
        while let address = next?.pointee {
            next = address.ai_next
            let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
            guard descriptor >= 0 else {
                failure = String(cString: strerror(errno))
                continue
            }
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            var wait = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &wait, socklen_t(MemoryLayout<timeval>.size))
            }
            if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
            failure = String(cString: strerror(errno))
            close(descriptor)
        }
        throw RequestError.connectionLost("cannot connect to \(endpoint): \(failure)")
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw lost() }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    private func lost() -> RequestError {
        let isTimeout = errno == EAGAIN || errno == EWOULDBLOCK
        return .connectionLost(isTimeout ? "the server did not answer in time" : "the server closed the connection")
    }

    private func fill() throws {
        if start > 0 {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
            end -= start
            start = 0
        }
        if end == buffer.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * buffer.count, alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
            buffer.deallocate()
            buffer = larger
        }
        errno = 0
        let count = recv(descriptor, buffer.baseAddress! + end, buffer.count - end, 0)
        guard count > 0 else { throw lost() }
        end += count
    }

    /// The next line without its CRLF. It is there until the next call.
    func line() throws -> Line {
        var searched = start
        while true {
            if let found = memchr(buffer.baseAddress! + searched, 10, end - searched) {
                let length = found - UnsafeMutableRawPointer(buffer.baseAddress! + start)
                var line = UnsafeRawBufferPointer(start: buffer.baseAddress! + start, count: length)
                if line.last == 13 { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
                start += length + 1
                return Line(bytes: line)
            }
            let pending = end - start
            try fill()
            searched = start + pending
        }
    }

    func skip(_ count: Int) throws {
        var rest = count
        while true {
            let available = min(rest, end - start)
            start += available
            rest -= available
            if rest == 0 { return }
            try fill()
        }
    }
}

/// A line of an answer, as long as it lies in the buffer.
struct Line {
    let bytes: UnsafeRawBufferPointer

    var text: String { String(decoding: bytes, as: UTF8.self) }

    func hasPrefix(_ prefix: String) -> Bool { bytes.starts(with: prefix.utf8) }
    func hasSuffix(_ suffix: String) -> Bool {
        bytes.count >= suffix.utf8.count && bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// The number n of `{n}` at the end: so many bytes follow (RFC 3501, section 4.3).
    var literal: Int? {
        guard bytes.last == UInt8(ascii: "}") else { return nil }
        var place = bytes.count - 2
        var value = 0
        var scale = 1
        while place >= 0, (48...57).contains(bytes[place]) {
            value += Int(bytes[place] - 48) * scale
            scale *= 10
            place -= 1
        }
        return place >= 0 && bytes[place] == UInt8(ascii: "{") && scale > 1 ? value : nil
    }
}
