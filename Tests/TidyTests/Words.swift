/// Whether what others call says what it is: doc comments on declarations, labels on parameters.
enum Words {
    typealias DeclaredFile = (file: SwiftFile, declarations: [Declaration])

    // MARK: Doc comments

    /// Every public and package declaration has a doc comment, a requirement of such a protocol too. Exempt are:
    /// - cases of enums, which are documented with their type where their names do not say all;
    /// - what protocols of the standard library say enough of: `description`, `rawValue`, `==`, `<`, `hash(into:)`;
    /// - what a protocol of this package requires, in a type that conforms to it: the protocol has the comment;
    /// - initialisers that do nothing but store their parameters: the properties have the comments.
    static func docComments(_ files: [DeclaredFile]) -> [Violation] {
        let protocols = Protocols(files)
        return violations(in: files) { declaration, _ in
            guard declaration.isPublic, !declaration.isDocumented, !isExempt(declaration, protocols) else { return nil }
            return "\(declaration.name) has no doc comment"
        }
    }

    private static let standardNames: Set = [
        "description", "debugDescription", "customMirror", "rawValue", "==", "<", "hash",
    ]

    private static func isExempt(_ declaration: Declaration, _ protocols: Protocols) -> Bool {
        switch declaration.kind {
        case "case", "extension": true
        case "init": declaration.onlyStoresParameters
        case "var", "let", "func", "subscript":
            standardNames.contains(declaration.baseName) || protocols.require(declaration)
        default: false
        }
    }

    // MARK: Labels

    static let maximumUnlabelled = 2

    /// No function has more than two parameters without a label. A closure that comes last does not count, as it is
    /// written behind the parentheses; nor do operators and the initialisers of values, which say by their types what
    /// they are made of.
    static func labels(_ files: [DeclaredFile]) -> [Violation] {
        violations(in: files) { declaration, _ in
            let counts =
                switch declaration.kind {
                case "func": !declaration.isOperator
                case "init": declaration.isInClass
                default: false
                }
            guard counts, declaration.unlabelled > maximumUnlabelled else { return nil }
            return "\(declaration.baseName) has \(declaration.unlabelled) parameters without a label"
        }
    }

    // MARK: Objects

    /// What buffers, hashes and numerals do with any value is the same.
    private static let anyValue: Set = ["append", "combine", "digits", "write"]
    /// Bytes are the same in each of these.
    private static let bytes: Set = [
        "ArraySlice<UInt8>", "ByteBuffer", "Span<UInt8>", "String", "[UInt8]", "some Collection<UInt8>",
    ]
    /// The same kind of thing, by its name instead of its ID, or several of it.
    private static let otherForms: Set = ["named", "contentsOf"]
    /// Two sides of one thing.
    private static let sides: [Set<String>] = [["after", "before"], ["down", "up"]]

    /// No two functions of one type have the same base name where what the first parameter names is another object: its
    /// type differs, or its label. What each of them acts upon is in its name. Exempt are
    /// - what a protocol requires, and what has no parameters: it acts on the type's own;
    /// - what takes any value (``anyValue``), or, behind the same label, the same bytes in another form (``bytes``);
    /// - what takes the object in another form, as its label says (``otherForms``);
    /// - what looks at one thing from its two sides (``sides``).
    static func objects(_ files: [DeclaredFile]) -> [Violation] {
        let protocols = Protocols(files)
        var firsts: [String: Declaration] = [:]
        return violations(in: files) { declaration, module in
            guard declaration.kind == "func", !declaration.isOperator, !declaration.labels.isEmpty,
                !anyValue.contains(declaration.baseName), !protocols.require(declaration)
            else { return nil }
            let owner = declaration.ownerPath.isEmpty ? module : "\(module).\(declaration.ownerPath)"
            let name = "\(owner).\(declaration.baseName)"
            guard let first = firsts[name] else {
                firsts[name] = declaration
                return nil
            }
            guard !haveOneObject(first, declaration) else { return nil }
            return "\(declaration.baseName) takes \(object(of: declaration)) here, and \(object(of: first)) elsewhere"
        }
    }

    private static func haveOneObject(_ one: Declaration, _ other: Declaration) -> Bool {
        let labels = Set([one.labels[0], other.labels[0]])
        guard labels.count > 1 else {
            return one.firstType == other.firstType || bytes.isSuperset(of: [one.firstType, other.firstType])
        }
        if labels.contains("_"), !labels.isDisjoint(with: otherForms) { return true }
        return one.firstType == other.firstType && sides.contains { $0.isSuperset(of: labels) }
    }

    private static func object(of declaration: Declaration) -> String {
        "\(declaration.labels[0]): \(declaration.firstType)"
    }

    /// What a rule finds in the modules.
    private static func violations(
        in files: [DeclaredFile],
        _ rule: (Declaration, _ module: String) -> String?
    ) -> [Violation] {
        var found: [Violation] = []
        for (file, declarations) in files {
            guard let module = file.module else { continue }
            for declaration in declarations {
                guard let what = rule(declaration, module) else { continue }
                found.append(file.violation(declaration.line, what))
            }
        }
        return found
    }

    /// What the protocols of the package require, and which types conform to them.
    private struct Protocols {
        private var requirements: [String: Set<String>] = [:]
        private var inherited: [String: Set<String>] = [:]

        init(_ files: [DeclaredFile]) {
            for declaration in files.lazy.flatMap(\.declarations) {
                if declaration.isType {
                    inherited[declaration.baseName, default: []].formUnion(declaration.inherited)
                    if declaration.kind == "protocol" { requirements[declaration.baseName, default: []].insert("") }
                } else if declaration.ownerKind == "protocol" {
                    requirements[declaration.owner, default: []].insert(declaration.requirement)
                }
            }
        }

        /// Whether the type that the declaration stands in conforms to a protocol that requires it. What stands in
        /// protocols and their extensions is required by none.
        func require(_ declaration: Declaration) -> Bool {
            guard requirements[declaration.owner] == nil else { return false }
            var open = inherited[declaration.owner] ?? []
            var seen: Set<String> = []
            while let name = open.popFirst() {
                guard seen.insert(name).inserted, let required = requirements[name] else { continue }
                if required.contains(declaration.requirement) { return true }
                open.formUnion(inherited[name] ?? [])
            }
            return false
        }
    }
}
