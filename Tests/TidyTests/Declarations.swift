/// A declaration at the top of a file or in a type: not what stands in functions.
struct Declaration: Hashable {
    let kind: String
    /// The name without parameters; of nested types and extensions, the last part.
    let baseName: String
    let line: Int
    let isPublic: Bool
    let isDocumented: Bool
    /// The type or protocol that it stands in; empty at the top of a file.
    let owner: String
    let ownerKind: String
    /// The types that it stands in, from the outermost on; an extension counts as its type.
    let ownerPath: String
    /// What a type, protocol or extension names behind its colon.
    var inherited: Set<String> = []
    /// Labels of the parameters; `_` where there is none.
    var labels: [String] = []
    /// The type of the first parameter as it is written; empty without parameters.
    var firstType = ""
    /// Parameters without a label, without a closure that comes last.
    var unlabelled = 0
    /// Whether an initialiser's body does nothing but `a = b` and `self.a = b`.
    var onlyStoresParameters = false

    var isType: Bool { Declarations.typeKinds.contains(kind) }
    var isInClass: Bool { ownerKind == "class" || ownerKind == "actor" }
    var isOperator: Bool { baseName.first.map { !$0.isLetter && $0 != "_" && $0 != "`" } ?? false }
    /// With labels, for functions.
    var name: String { kind == "func" ? "\(baseName)(\(labels.map { $0 + ":" }.joined()))" : baseName }
    /// By what a requirement and what fulfils it are known as the same.
    var requirement: String { kind == "let" || kind == "var" ? "var \(baseName)" : "\(kind) \(name)" }
}

/// Reads the declarations of a file from its code.
struct Declarations {
    private(set) var list: [Declaration] = []

    private struct Scope {
        let depth: Int
        let kind: String
        let name: String
        let path: String
        let isPublic: Bool
        /// Whether its brace has come.
        var isOpen = false
    }

    /// What stands in front of a name, on one line.
    private struct Head {
        var modifiers: [Substring] = []
        let kind: String
        let rest: Substring
    }

    static let typeKinds: Set = ["struct", "class", "enum", "actor", "protocol", "extension"]
    private static let kinds = typeKinds.union([
        "func", "var", "let", "init", "subscript", "typealias", "associatedtype", "case",
    ])
    private static let modifiers: Set<Substring> = [
        "public", "package", "open", "internal", "private", "fileprivate", "static", "final", "indirect", "lazy",
        "weak", "unowned", "mutating", "nonmutating", "consuming", "convenience", "required", "override", "prefix",
        "infix", "nonisolated",
    ]

    init(_ file: SwiftFile) {
        var scopes: [Scope] = []
        var depth = 0
        for (number, line) in file.code.enumerated() {
            if depth == scopes.last?.depth ?? 0, let head = Self.head(of: line) {
                read(head, of: file, at: number, scopes: &scopes)
            }
            for character in line.utf8 {
                switch character {
                case UInt8(ascii: "{"), UInt8(ascii: "("), UInt8(ascii: "["):
                    depth += 1
                    if character == UInt8(ascii: "{"), scopes.last?.depth == depth {
                        scopes[scopes.count - 1].isOpen = true
                    }
                case UInt8(ascii: "}"), UInt8(ascii: ")"), UInt8(ascii: "]"):
                    depth -= 1
                    if let scope = scopes.last, scope.isOpen, depth < scope.depth { scopes.removeLast() }
                default: break
                }
            }
        }
    }

    private static func head(of line: Substring) -> Head? {
        var rest = line.drop { $0 == " " }
        var found: [Substring] = []
        while let first = rest.first, first.isLetter || first == "@" {
            let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "@" }
            var behind = rest[word.endIndex...]
            if (word.hasPrefix("@") || modifiers.contains(word)), behind.hasPrefix("(") {
                guard let end = behind.firstIndex(of: ")") else { return nil }
                // `private(set)` hides the setter only.
                behind = behind[behind.index(after: end)...]
                rest = behind.drop { $0 == " " }
                continue
            }
            rest = behind.drop { $0 == " " }
            if word.hasPrefix("@") { continue }
            let isModifier =
                modifiers.contains(word)
                || word == "class" && ["func ", "var ", "let "].contains(where: rest.hasPrefix)
            guard isModifier else {
                return kinds.contains(String(word)) ? Head(modifiers: found, kind: String(word), rest: rest) : nil
            }
            found.append(word)
        }
        return nil
    }

    private mutating func read(_ head: Head, of file: SwiftFile, at number: Int, scopes: inout [Scope]) {
        let kind = head.kind
        let scope = scopes.last
        let isHidden = head.modifiers.contains { ["private", "fileprivate", "internal"].contains($0) }
        let isMarked = head.modifiers.contains { ["public", "package", "open"].contains($0) }
        let isPublic = isMarked || scope?.isPublic == true && !isHidden
        let isLong = Self.typeKinds.contains(kind) || ["func", "init", "subscript"].contains(kind)
        let rest = isLong ? Self.text(from: number, behind: head.rest, in: file) : String(head.rest)
        let name = kind == "init" || kind == "subscript" ? kind : Self.name(rest)
        var declaration = Declaration(
            kind: kind,
            baseName: Self.typeKinds.contains(kind) ? String(name.split(separator: ".").last ?? "") : name,
            line: number + 1,
            isPublic: isPublic && kind != "extension",
            isDocumented: Self.isDocumented(file, number),
            owner: scope?.name ?? "",
            ownerKind: scope?.kind ?? "",
            ownerPath: scope?.path ?? ""
        )
        switch kind {
        case "struct", "class", "enum", "actor", "protocol", "extension":
            declaration.inherited = Self.inherited(rest)
            let passesOn = isPublic && ["extension", "protocol"].contains(kind)
            let inner = (scope?.depth ?? 0) + 1
            let path = scope.map { "\($0.path).\(name)" } ?? name
            scopes.append(
                Scope(depth: inner, kind: kind, name: declaration.baseName, path: path, isPublic: passesOn)
            )
        case "func", "init", "subscript":
            let parameters = Self.parameters(rest)
            declaration.labels = parameters.list.map(\.label)
            declaration.firstType = parameters.list.first?.type ?? ""
            let counted = parameters.list.last?.isClosure == true ? parameters.list.dropLast() : parameters.list[...]
            declaration.unlabelled = counted.count { $0.label == "_" }
            if kind == "init" { declaration.onlyStoresParameters = Self.onlyStores(parameters.rest) }
        default: break
        }
        list.append(declaration)
    }

    /// The declaration from its name to the end of its body, or as much as anything here looks at.
    private static func text(from number: Int, behind rest: Substring, in file: SwiftFile) -> String {
        ([rest] + file.code[(number + 1)..<min(number + 60, file.code.count)]).joined(separator: "\n")
    }

    private static func name(_ rest: String) -> String {
        let isName = rest.first.map { $0.isLetter || $0 == "_" || $0 == "`" } ?? false
        return String(rest.prefix { isName ? $0.isLetter || $0.isNumber || "_.`".contains($0) : !" (\n".contains($0) })
    }

    private static func isDocumented(_ file: SwiftFile, _ number: Int) -> Bool {
        var above = number - 1
        while above >= 0, file.lines[above].drop(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
        return above >= 0 && file.lines[above].drop { $0 == " " }.hasPrefix("///")
    }

    private static func inherited(_ rest: String) -> Set<String> {
        let head = rest.prefix { $0 != "{" }
        guard let colon = head.firstIndex(of: ":") else { return [] }
        let list = head[head.index(after: colon)...]
        let names = (list.ranges(of: " where ").first.map { list[..<$0.lowerBound] } ?? list).split(separator: ",")
        return Set(names.compactMap { $0.split { " .\n".contains($0) }.last.map(String.init) })
    }

    private struct Parameter {
        let label: String
        let type: String
        let isClosure: Bool
    }

    private static func parameters(_ rest: String) -> (list: [Parameter], rest: Substring) {
        guard let open = rest.firstIndex(of: "(") else { return ([], "") }
        var list: [Parameter] = []
        var depth = 0
        var angles = 0
        var start = rest.index(after: open)
        var previous: Character = " "
        var index = open
        func add(_ end: String.Index) {
            let text = rest[start..<end]
            let words = text.split { " \n".contains($0) }.drop { $0.hasPrefix("@") }
            guard let first = words.first else { return }
            let type = words.drop { !$0.hasSuffix(":") }.dropFirst().prefix { $0 != "=" }.joined(separator: " ")
            list.append(
                Parameter(label: String(first.prefix { $0 != ":" }), type: type, isClosure: text.contains("->"))
            )
        }
        while index < rest.endIndex {
            switch rest[index] {
            case "(", "[", "{": depth += 1
            case ")", "]", "}":
                depth -= 1
                if depth == 0 {
                    add(index)
                    return (list, rest[rest.index(after: index)...])
                }
            case "<": angles += 1
            case ">" where previous != "-": angles -= 1
            case "," where depth == 1 && angles == 0:
                add(index)
                start = rest.index(after: index)
            default: break
            }
            previous = rest[index]
            index = rest.index(after: index)
        }
        return (list, "")
    }

    private static func onlyStores(_ behindParameters: Substring) -> Bool {
        guard let open = behindParameters.firstIndex(of: "{"),
            behindParameters[..<open].allSatisfy({ $0.isLetter || " \n()".contains($0) })
        else { return false }
        var depth = 0
        for index in behindParameters[open...].indices {
            switch behindParameters[index] {
            case "{": depth += 1
            case "}":
                depth -= 1
                guard depth == 0 else { continue }
                let body = behindParameters[behindParameters.index(after: open)..<index]
                return body.split(separator: "\n").allSatisfy { isAssignment($0.split(separator: " ")) }
            default: break
            }
        }
        return false
    }

    private static func isAssignment(_ words: [Substring]) -> Bool {
        func isName(_ word: Substring) -> Bool { word.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } }
        guard !words.isEmpty else { return true }
        guard words.count == 3, words[1] == "=" else { return false }
        return isName(words[0].hasPrefix("self.") ? words[0].dropFirst(5) : words[0]) && isName(words[2])
    }
}
