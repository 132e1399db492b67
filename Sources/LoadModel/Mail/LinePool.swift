internal import Consensus

/// Lines that messages are cut from; each ends in CRLF and is at most 78 bytes long.
struct LinePool {
    private let bytes: [UInt8]
    /// Where lines begin, and where the last one ends.
    private let starts: [Int]

    static let textColumns = 72
    static let base64Columns = 76

    private init(_ bytes: [UInt8], _ starts: [Int]) {
        self.bytes = bytes
        self.starts = starts
    }

    static func words(_ vocabulary: Vocabulary, atLeast count: Int, _ random: inout SplitMix64) -> LinePool {
        var bytes: [UInt8] = []
        var starts = [0]
        while bytes.count < count {
            var column = 0
            while column < textColumns {
                let word = vocabulary.draw(&random)
                guard column + word.count < textColumns else { break }
                if column > 0 { bytes.append(UInt8(ascii: " ")) }
                bytes += word
                column += word.count + 1
            }
            bytes += [13, 10]
            starts.append(bytes.count)
        }
        return LinePool(bytes, starts)
    }

    static func base64(atLeast count: Int, _ random: inout SplitMix64) -> LinePool {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + base64Columns)
        var starts = [0]
        while bytes.count < count {
            var word: UInt64 = 0
            for column in 0..<base64Columns {
                // Ten digits of six bits are in a word.
                if column % 10 == 0 { word = random.next() }
                bytes.append(alphabet[Int(word & 63)])
                word >>= 6
            }
            bytes += [13, 10]
            starts.append(bytes.count)
        }
        return LinePool(bytes, starts)
    }

    /// Adds whole lines, from a random one on, until the message would be longer than `limit`.
    func appendLines(upTo limit: Int, to message: inout [UInt8], _ random: inout SplitMix64) {
        while true {
            let first = random.below(starts.count - 1)
            let room = limit - message.count
            guard room >= Self.base64Columns + 2 else { return }
            // The last line that still fits, by bisection.
            var low = first
            var high = starts.count - 1
            while low < high {
                let middle = (low + high + 1) / 2
                if starts[middle] - starts[first] <= room { low = middle } else { high = middle - 1 }
            }
            message += bytes[starts[first]..<starts[low]]
        }
    }

    /// Adds the beginning of a random line, without its end.
    func appendLine(to message: inout [UInt8], prefix count: Int, _ random: inout SplitMix64) {
        let first = starts[random.below(starts.count - 1)]
        message += bytes[first..<first + count]
    }
}
