/// The rules, as functions from a file to what is wrong with it.
enum Rules {
    static let maximumColumns = 120
    static let maximumFileLines = 600
    static let maximumFunctionLines = 120

    static func lineLength(_ file: SwiftFile) -> [Violation] {
        file.lines.enumerated().compactMap { number, line in
            line.utf8.count > maximumColumns && line.count > maximumColumns
                ? file.violation(number + 1, "\(line.count) columns") : nil
        }
    }

    static func fileLength(_ file: SwiftFile) -> [Violation] {
        file.lines.count > maximumFileLines + 1 ? [file.violation(file.lines.count, "the file is too long")] : []
    }

    static func functionLength(_ file: SwiftFile) -> [Violation] {
        var found: [Violation] = []
        for (number, line) in file.code.enumerated() {
            // Most lines declare nothing: the expression is not asked.
            guard line.utf8.contains(UInt8(ascii: "(")) || line.hasSuffix("deinit {"),
                line.firstMatch(of: #/(?:^|\s)(?:func\s+\S|init[?!]?\s*[(<]|deinit\s*\{|subscript\s*[(<])/#) != nil
            else { continue }
            let length = bodyLines(file.code, from: number)
            if length > maximumFunctionLines { found.append(file.violation(number + 1, "a body of \(length) lines")) }
        }
        return found
    }

    /// The lines of the braces that open behind a declaration, before anything that would be the next one.
    private static func bodyLines(_ code: [Substring], from start: Int) -> Int {
        var parentheses = 0
        var braces = 0
        var opened = start
        for number in start..<code.count {
            if braces == 0, parentheses == 0, number > start {
                let text = code[number].drop { $0 == " " }
                guard ["{", ")", "where", "->", "throws", "async"].contains(where: text.hasPrefix) else { return 0 }
            }
            for character in code[number] {
                switch character {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{" where parentheses == 0 || braces > 0:
                    if braces == 0 { opened = number }
                    braces += 1
                case "}" where braces > 0:
                    braces -= 1
                    if braces == 0 { return number - opened + 1 }
                default: break
                }
            }
        }
        return 0
    }

    // MARK: Purity

    /// No I/O, clock, randomness, locks, async, Foundation.
    static let pureModules: Set = [
        "Consensus", "MailModel", "MessageFormat", "IMAPSyntax", "IMAPSession", "Placement", "ReplicaCore",
        "Authentication", "LoadModel",
    ]

    /// Salts are random.
    static let mayUseRandomness: Set = ["Authentication"]

    // Regular expressions are not marked as Sendable; these are never changed.
    nonisolated(unsafe) private static let impure: [(what: String, pattern: Regex<Substring>)] = [
        ("a clock", #/\bDate\(|\b(?:Continuous|Suspending)Clock\b|\bDispatchTime\b|\bNIODeadline\b|\bclock_gettime\b/#),
        ("async", #/\bTask\b|\bawait\b|\basync\b|\bactor\b/#),
        ("Foundation", #/\bFoundation(?:Essentials)?\b/#),
        ("a lock", #/\bMutex\b|\bN[SI]O?\w*Lock\w*\b|\bpthread_|\bDispatch(?:Queue|Semaphore)\b|\.lock\(\)/#),
        ("output", #/\bprint\(|\bFileHandle\b|\bfopen\b/#),
    ]
    // Never changed, as above.
    nonisolated(unsafe) private static let randomness =
        #/\bSystemRandomNumberGenerator\b|\.(?:random|shuffled|shuffle|randomElement)\((?!.*using:)/#

    static func purity(_ file: SwiftFile) -> [Violation] {
        guard let module = file.module, pureModules.contains(module) else { return [] }
        var found: [Violation] = []
        for (number, line) in file.code.enumerated() where line.contains(where: \.isLetter) {
            for (what, pattern) in impure where line.firstMatch(of: pattern.wordBoundaryKind(.simple)) != nil {
                found.append(file.violation(number + 1, "\(what) in the pure module \(module)"))
            }
            if !mayUseRandomness.contains(module), line.firstMatch(of: randomness.wordBoundaryKind(.simple)) != nil {
                found.append(file.violation(number + 1, "randomness in the pure module \(module)"))
            }
        }
        return found
    }

    // MARK: Safety

    /// What the compiler is told to believe needs a reason, above or beside it, that says who keeps it true.
    static func reasons(_ file: SwiftFile) -> [Violation] {
        var found: [Violation] = []
        for (number, line) in file.code.enumerated() {
            guard line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") else { continue }
            var comment = file.lines[number].dropFirst(line.trimmingEnd.count).lowercased()
            var above = number - 1
            // One comment may stand above a run of such declarations.
            while above >= 0, file.code[above].contains("nonisolated(unsafe)") || isAttribute(file.code[above]) {
                above -= 1
            }
            while above >= 0, isComment(file.lines[above]) {
                comment += file.lines[above].lowercased()
                above -= 1
            }
            let says = ["thread", "lock", "never changed"].contains { comment.contains($0) }
            if !says { found.append(file.violation(number + 1, "no reason")) }
        }
        return found
    }

    private static func isComment(_ line: Substring) -> Bool { line.drop { $0 == " " }.hasPrefix("//") }
    private static func isAttribute(_ line: Substring) -> Bool { line.wholeMatch(of: #/\s*@\w+(?:\(.*\))?\s*/#) != nil }

    static func traps(_ file: SwiftFile) -> [Violation] {
        guard file.module != nil else { return [] }
        return file.code.enumerated().compactMap { number, line in
            line.firstMatch(of: #/\btry!|\bas!/#.wordBoundaryKind(.simple)) != nil
                ? file.violation(number + 1, "try! or as!") : nil
        }
    }

    // MARK: Every text

    // In two pieces each, so that this file passes.
    private static let notes = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "XX" + "X "]
    private static let machinePaths = ["/" + "work/", "/" + "root/", "/" + "home/"]
    private static let unchecked = "-O" + "unchecked"

    static func text(_ file: TextFile) -> [Violation] {
        var found: [Violation] = []
        for (number, line) in file.lines.enumerated() {
            func note(_ what: String) { found.append(Violation(path: file.path, line: number + 1, what: what)) }
            for word in notes where line.contains(word) { note("an open note: do it, or leave it out") }
            for path in machinePaths where mentions(path, line) { note("a path of somebody's machine") }
            if line.contains(unchecked), !file.path.hasPrefix("Docs/"), !file.path.hasSuffix(".md") {
                note("preconditions must stay on in release")
            }
        }
        return found
    }

    /// A path that begins here, not the middle of another (`Sources/work/`).
    private static func mentions(_ path: String, _ line: Substring) -> Bool {
        for range in line.ranges(of: path) {
            guard range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            if !before.isLetter, !before.isNumber, !"._-}".contains(before) { return true }
        }
        return false
    }
}

extension Substring {
    fileprivate var trimmingEnd: Substring { self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)] }
}
