/// A Swift file: its lines as written, and its code with comments and the contents of strings blanked out.
struct SwiftFile: Sendable {
    let path: String
    let lines: [Substring]
    let code: [Substring]

    init(_ file: TextFile) {
        path = file.path
        lines = file.lines
        code =
            file.lines.isEmpty
            ? [] : CodeReader.code(of: file.text).split(separator: "\n", omittingEmptySubsequences: false)
    }

    init(path: String, _ text: String) { self.init(TextFile(path: path, text: text)) }

    /// `Consensus` for `Sources/Consensus/...`; nil outside Sources.
    var module: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    var imports: [(line: Int, module: String)] {
        code.enumerated().compactMap { number, line in
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"), words[..<at].allSatisfy(Self.mayPrecedeImport) else {
                return nil
            }
            let name = words[(at + 1)...].first { !["struct", "class", "enum", "func", "protocol"].contains($0) }
            return name.map { (number + 1, String($0.prefix { $0 != "." && $0 != ";" })) }
        }
    }

    private static func mayPrecedeImport(_ word: Substring) -> Bool {
        word.hasPrefix("@") || ["public", "internal", "package", "private", "fileprivate"].contains(word)
    }

    func violation(_ line: Int, _ what: String) -> Violation { Violation(path: path, line: line, what: what) }
}

/// Blanks out comments and string contents; code inside `\(...)` stays.
private struct CodeReader {
    private var bytes: ArraySlice<UInt8>
    private var output: [UInt8] = []

    static func code(of text: String) -> String {
        var reader = CodeReader(bytes: Array(text.utf8)[...])
        reader.code(untilClosing: false)
        return String(decoding: reader.output, as: UTF8.self)
    }

    private init(bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    private mutating func blank() {
        if bytes.removeFirst() == 10 { output.append(10) } else { output.append(32) }
    }

    /// - Parameter untilClosing: inside an interpolation, which ends with its parenthesis.
    private mutating func code(untilClosing: Bool) {
        var depth = 0
        while let byte = bytes.first {
            let next = bytes.dropFirst().first
            switch (byte, next) {
            case (UInt8(ascii: "/"), UInt8(ascii: "/")):
                while let byte = bytes.first, byte != 10 { blank() }
            case (UInt8(ascii: "/"), UInt8(ascii: "*")): comment()
            case (UInt8(ascii: "#"), UInt8(ascii: "/")): regularExpression()
            case (UInt8(ascii: "\""), _), (UInt8(ascii: "#"), UInt8(ascii: "\"")),
                (UInt8(ascii: "#"), UInt8(ascii: "#")):
                string()
            default:
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") {
                    if untilClosing, depth == 0 { return }
                    depth -= 1
                }
                output.append(bytes.removeFirst())
            }
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if bytes.starts(with: "/*".utf8) {
                depth += 1
                blank()
            } else if bytes.starts(with: "*/".utf8) {
                depth -= 1
                blank()
            }
            if !bytes.isEmpty { blank() }
        } while depth > 0 && !bytes.isEmpty
    }

    private mutating func regularExpression() {
        while !bytes.isEmpty, !bytes.starts(with: "/#".utf8) { blank() }
    }

    private mutating func string() {
        let hashes = bytes.prefix { $0 == UInt8(ascii: "#") }.count
        let marks = [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
        for _ in 0..<hashes { output.append(bytes.removeFirst()) }
        let quote = [UInt8](repeating: UInt8(ascii: "\""), count: bytes.starts(with: "\"\"\"".utf8) ? 3 : 1)
        for _ in quote { output.append(bytes.removeFirst()) }
        let end = quote + marks
        let escape = [UInt8(ascii: "\\")] + marks
        while let byte = bytes.first {
            if byte == end[0], bytes.starts(with: end) {
                output += end
                bytes.removeFirst(end.count)
                return
            }
            guard byte == escape[0], bytes.starts(with: escape) else {
                blank()
                continue
            }
            for _ in escape { blank() }
            if bytes.first == UInt8(ascii: "(") {
                output.append(bytes.removeFirst())
                code(untilClosing: true)
                if !bytes.isEmpty { output.append(bytes.removeFirst()) }
            } else if !bytes.isEmpty {
                blank()
            }
        }
    }
}
