internal import Glibc

/// Converts text of one charset to UTF-8, piece by piece, with the platform's `iconv`.
///
/// What a character's bytes begin in one piece and end in the next is kept, 32 bytes at most. Bytes that stand for
/// nothing become U+FFFD, one for each, and the text goes on behind them.
@safe public final class CharsetConverter {
    /// More than any charset has for one character with what shifts to it.
    private static let maximumCharacterBytes = 32
    private static let replacement: [UInt8] = [0xef, 0xbf, 0xbd]
    /// Room for what one call of `iconv` writes.
    private static let stepBytes = 4_096

    private let descriptor: iconv_t
    /// The start of a character that is not complete.
    private var partial: [UInt8] = []
    /// UTF-16 is big-endian unless a mark says otherwise (RFC 2781, section 4.3); glibc takes the machine's order.
    private let isUTF16: Bool
    private var isAtStart = true

    /// Nil when the platform does not know the charset.
    /// - Parameter label: The charset's name in mail, in any case.
    public init?(label: some Collection<UInt8>) {
        guard let name = CharsetName.platformName(label) else { return nil }
        let descriptor = unsafe iconv_open("UTF-8", name)
        // iconv_open(3): (iconv_t) -1 is its failure.
        guard unsafe descriptor != iconv_t(bitPattern: -1), let descriptor = unsafe descriptor else { return nil }
        unsafe self.descriptor = descriptor
        isUTF16 = name == "UTF-16"
    }

    deinit { unsafe iconv_close(descriptor) }

    /// Appends what the bytes stand for.
    public func convert(_ bytes: ArraySlice<UInt8>, into text: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        var input = partial + bytes
        partial.removeAll(keepingCapacity: true)
        if isUTF16 && isAtStart {
            guard input.count >= 2 else {
                partial = input
                return
            }
            let mark = (input[0], input[1])
            if mark != (0xff, 0xfe) && mark != (0xfe, 0xff) { input.insert(contentsOf: [0xfe, 0xff], at: 0) }
        }
        isAtStart = false
        let rest = run(&input, into: &text)
        partial = Array(input.suffix(rest))
    }

    /// Ends the text: what is not complete becomes U+FFFD, and another text may begin.
    public func finish(into text: inout [UInt8]) {
        if !partial.isEmpty { text += Self.replacement }
        partial.removeAll(keepingCapacity: true)
        isAtStart = true
        var output = [UInt8](repeating: 0, count: 64)
        let written = unsafe output.withUnsafeMutableBytes { output -> Int in
            var next = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
            var room = output.count
            // What a stateful charset still holds back; the state is the initial one again.
            _ = unsafe iconv(descriptor, nil, nil, &next, &room)
            return output.count - room
        }
        text += output.prefix(written)
    }

    /// - Returns: the bytes at the input's end that were not taken, since their character is not complete.
    private func run(_ input: inout [UInt8], into text: inout [UInt8]) -> Int {
        var output = [UInt8](repeating: 0, count: Self.stepBytes)
        var left = input.count
        while left > 0 {
            let before = left
            // Both buffers are arrays of this function, and iconv is told how long they are.
            let (written, problem) = unsafe input.withUnsafeMutableBytes { input in
                unsafe output.withUnsafeMutableBytes { output -> (Int, Int32) in
                    var source = unsafe input.baseAddress?.advanced(by: input.count - left)
                        .assumingMemoryBound(to: CChar.self)
                    var target = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
                    var room = output.count
                    errno = 0
                    let result = unsafe iconv(descriptor, &source, &left, &target, &room)
                    return (output.count - room, result == Int.max || result == -1 ? errno : 0)
                }
            }
            text += output.prefix(written)
            switch problem {
            case 0: break
            case E2BIG where written > 0 || left < before: break
            case EINVAL where left <= Self.maximumCharacterBytes: return left
            default:
                text += Self.replacement
                left -= 1
            }
        }
        return 0
    }
}
