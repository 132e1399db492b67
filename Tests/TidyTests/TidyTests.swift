import Testing

/// The repository keeps the rules.
@Suite struct TidyTests {
    @Test func theRepositoryIsThere() {
        #expect(Repository.sources.count > 100)
        #expect(Repository.files.contains { $0.path == "Package.swift" })
        #expect(!Repository.files.contains { $0.path.contains("/Generated/") })
    }

    @Test(arguments: [
        Rules.lineLength, Rules.fileLength, Rules.functionLength, Rules.purity, Rules.reasons, Rules.traps,
        House.imports, House.rooms,
    ])
    func swift(_ rule: @Sendable (SwiftFile) -> [Violation]) {
        for violation in Repository.swift.flatMap(rule) { Issue.record("\(violation)") }
    }

    @Test func typeSizes() {
        for violation in TypeSizes.violations(Repository.sources) { Issue.record("\(violation)") }
    }

    @Test func roomTypes() {
        for violation in House.roomTypes(Repository.sources) { Issue.record("\(violation)") }
    }

    @Test func settings() {
        for violation in Settings.unread(Repository.sources) { Issue.record("\(violation)") }
    }

    @Test(arguments: [Words.docComments, Words.labels, Words.objects])
    func words(_ rule: @Sendable ([Words.DeclaredFile]) -> [Violation]) {
        for violation in rule(Repository.declarations) { Issue.record("\(violation)") }
    }

    @Test func texts() {
        for violation in Repository.files.flatMap(Rules.text) { Issue.record("\(violation)") }
    }
}

/// Each rule finds what it is there for, and nothing else.
@Suite struct RuleTests {
    @Test func lineLength() {
        let fits = String(repeating: "à", count: 120)
        #expect(Rules.lineLength(SwiftFile(path: "Sources/A/a.swift", fits)).isEmpty)
        #expect(Rules.lineLength(SwiftFile(path: "Sources/A/a.swift", "\n\(fits)x")).map(\.line) == [2])
    }

    @Test func fileLength() {
        let fits = String(repeating: "\n", count: 600)
        #expect(Rules.fileLength(SwiftFile(path: "a.swift", fits)).isEmpty)
        #expect(Rules.fileLength(SwiftFile(path: "a.swift", fits + "\n")).count == 1)
    }

    @Test func rooms() {
        func found(_ path: String, _ text: String) -> Int { House.rooms(SwiftFile(path: path, text)).count }
        let reads = "Sources/NodeRuntime/Rooms/Reads/ReadsRoom.swift"
        #expect(found(reads, "struct ReadsRoom {\n    func tick(_ floor: Floor) {}\n}") == 0)
        #expect(found(reads, "// As CallsRoom does.\nlet hasRoom = floor.hasRoom") == 0)
        #expect(found(reads, "struct ReadsRoom {\n    var calls: CallsRoom\n}") == 1)
        #expect(found("Sources/NodeRuntime/Rooms/Reads/ReadTable.swift", "func f(_ rooms: LoopRooms) {}") == 1)
        #expect(found("Sources/NodeRuntime/Agent/DiskRoom.swift", "let upkeep: UpkeepRoom") == 1)
        #expect(found("Sources/NodeRuntime/Agent/NodeAgent.swift", "let upkeep: UpkeepRoom") == 0)
    }

    @Test func roomTypes() {
        func found(_ text: String, in room: String) -> Int {
            let calls = SwiftFile(path: "Sources/NodeRuntime/Rooms/Calls/A.swift", "struct CallTable {}\n")
            let other = SwiftFile(path: "Sources/NodeRuntime/Rooms/\(room)/B.swift", text)
            return House.roomTypes([calls, other]).count
        }
        #expect(found("let table: CallTable", in: "Reads") == 1)
        #expect(found("let table: CallTable", in: "Calls") == 0)
        #expect(found("// As CallTable does.\nlet table: ReadTable", in: "Reads") == 0)
        #expect(found("extension Floor {\n    func read() {}\n}", in: "Reads") == 1)
        #expect(found("extension Floor {\n    fileprivate func read() {}\n}", in: "Reads") == 0)
    }

    @Test(arguments: [
        "func f() {", "    public mutating func f<T>(_ a: Int)\n        async throws -> Int {",
        "    init?(\n        a: (Int) -> Void = { _ in }\n    ) {", "    deinit {", "    subscript(i: Int) -> Int {",
    ])
    func functionLength(_ head: String) {
        func file(_ lines: Int) -> SwiftFile {
            let body = String(repeating: "    if a { b(\"}\") } // }\n", count: lines)
            return SwiftFile(path: "a.swift", "protocol P {\n    func g()\n}\n\(head)\n\(body)}\nlet x = 1\n")
        }
        #expect(Rules.functionLength(file(118)).isEmpty)
        #expect(Rules.functionLength(file(119)).count == 1)
    }

    @Test func typeSizes() {
        let first = """
            @MainActor public final class A<T>: B {
                let a: Int
                private(set) var b = 0
                var c: Int { b }
                var d = [1: { 2 }]
                static let e = 1
                var f: Int {
                    let g = 1
                    return g
                }
                struct Nested {
                    var h = 1
                }
                func i() { let j = 1 }
            }
            enum C { case a }
            """
        let second = "extension A {\n    // }\n    var k: String { \"{\" }\n}\n\nextension C.D {\n}\n"
        let files = [("a", first), ("b", second)].map { SwiftFile(path: "Sources/M/\($0).swift", $1) }
        let sizes = TypeSizes.sizes(of: files).mapValues(\.size)
        #expect(
            sizes == [
                "M.A": TypeSizes.Size(storedProperties: 3, lines: 19), "M.C": TypeSizes.Size(lines: 1),
                "M.C.D": TypeSizes.Size(lines: 2),
            ]
        )
        #expect(TypeSizes.violations(files).contains { $0.what.hasPrefix("M.A") } == false)
        let many = "struct L {\n" + String(repeating: "    let a = 1\n", count: 21) + "}\n"
        let long = "extension N {\n" + String(repeating: "\n", count: 600) + "}\n"
        let large = [SwiftFile(path: "Sources/M/c.swift", many), SwiftFile(path: "Sources/M/d.swift", long)]
        #expect(TypeSizes.violations(large).count { $0.what.hasPrefix("M.") } == 2)
    }

    @Test func settings() {
        let table = "    public static let all = [\n        SettingSpec(\"a.b\", \"1\", \"help\"),\n"
        let specs = SwiftFile(path: "Sources/NodeRuntime/Settings/SettingSpec.swift", table)
        func found(_ text: String) -> [Int] {
            Settings.unread([specs, SwiftFile(path: "Sources/A/a.swift", text)]).map(\.line)
        }
        #expect(found("let a = try reader.integer(\"a.b\", 1...9)") == [])
        #expect(found("let a = try reader.integer(\"a.bc\", 1...9)") == [2])
    }

    private func declared(_ text: String) -> [Words.DeclaredFile] {
        let file = SwiftFile(path: "Sources/M/a.swift", text)
        return [(file, Declarations(file).list)]
    }

    @Test(arguments: [
        "public let a = 1", "public struct A {}", "// No doc.\npackage func f() {}",
        "/// D.\npublic protocol P {\n    func f()\n}",
        "/// D.\nstruct A {\n    public private(set) var a = 1\n}", "public extension A {\n    var a: Int { 1 }\n}",
        "/// D.\nstruct A {\n    public init(a: Int) {\n        self.a = a + 1\n    }\n}",
        "struct A {\n    @inlinable\n    public static func f() {}\n}", "struct A: Q {\n    public var a: Int { 1 }\n}",
        "struct A:\n    Q\n{\n    public var a: Int { 1 }\n}",
    ])
    func undocumented(_ text: String) {
        #expect(Words.docComments(declared(text)).count == 1)
    }

    @Test(arguments: [
        "/// D.\npublic let a = 1", "/// D.\n@inlinable\npublic func f() {}", "let a = 1",
        "public extension A {\n    private var a: Int { 1 }\n}",
        "/// D.\npublic struct A {\n    public init(\n        a: Int,\n"
            + "        _ b: Int = 1\n    ) {\n        self.a = a\n        c = b\n    }\n}",
        "/// D.\npublic struct A {\n    public init() {}\n"
            + "    public var description: String { \"\" }\n"
            + "    public static func < (a: A, b: A) -> Bool { true }\n}",
        "/// D.\npublic protocol P {\n    /// D.\n    func f(_ a: Int)\n    /// D.\n"
            + "    var a: Int { get }\n}\nstruct A {\n    public let a = 1\n}\n"
            + "extension A: Hashable, P {\n    public func f(_ b: Int) {}\n}",
        "func f() {\n    public let a = 1\n}", "/// D.\npublic enum A {\n    case a, b\n}",
    ])
    func documented(_ text: String) {
        #expect(Words.docComments(declared(text)).isEmpty)
    }

    @Test(arguments: [
        ("func f(_ a: Int, _ b: Int, _ c: Int) {", 1),
        ("func f(\n    _ a: (Int, Int),\n    _ b: [Int: Int],\n    _ c: A<B, C>\n) {", 1),
        ("func f(_ a: Int, _ b: Int, c: Int) {", 0), ("func f(_ a: Int, _ b: Int, _ c: () -> Void) {", 0),
        ("static func + (_ a: Int, _ b: Int, _ c: Int) {", 0),
        ("func f<T: A<B, C>>(_ a: T, _ b: () -> Void, _ c: T) {", 1),
        ("init(_ a: Int, _ b: Int, _ c: Int) {", 0),
    ])
    func labels(_ text: String, _ count: Int) {
        #expect(Words.labels(declared("struct A {\n\(text)\n}\n}")).count == count)
    }

    @Test func labelsOfInitialisers() {
        let text = "final class A {\n    init(_ a: Int, _ b: Int, _ c: Int) {\n    }\n}"
        #expect(Words.labels(declared(text)).count == 1)
    }

    @Test(arguments: [
        ("struct A {\n    func f(_ a: Int) {}\n    func f(_ a: B, c: Int) {}\n}", 1),
        ("struct A {\n    func f(_ a: Int) {}\n}\nextension A {\n    func f(_ a: B) {}\n    func f(_ a: C) {}\n}", 2),
        ("struct A {\n    func f(_ a: Int) {}\n    func f(_ a: Int, b: Int) {}\n    func f(b: B) {}\n}", 1),
        ("struct A {\n    func f(ofB b: Int) {}\n    func f(ofC c: Int) {}\n}", 1),
        ("struct A {\n    func f(of b: B) {}\n    func f(of c: C) {}\n}", 1),
        ("struct A {\n    func f(for b: B) {}\n    func f(forC c: C) {}\n    func f() {}\n}", 1),
        ("struct A {\n    func f(at a: Int) {}\n    func f(after a: Int) {}\n}", 1),
        ("struct A {\n    func f(before a: Int) {}\n    func f(after a: Int) {}\n    func f() {}\n}", 0),
        ("struct A {\n    func f(before a: Int) {}\n    func f(after a: B) {}\n}", 1),
        ("struct A {\n    func f(of a: [UInt8]) {}\n    func f(of a: String) {}\n}", 0),
        ("struct A {\n    func f(name a: [UInt8]) {}\n    func f(value a: String) {}\n}", 1),
        ("struct A {\n    func f(_ a: ID) {}\n    func f(named a: B) {}\n    func f(_ b: ID, c: C) {}\n}", 0),
        ("struct A {\n    func f(_ a: Int) {}\n    struct B {\n        func f(_ a: B) {}\n    }\n}", 0),
        ("struct A {\n    func write(_ a: Int) {}\n    func write(_ a: B) {}\n}", 0),
        ("struct A {\n    func f(_ a: [UInt8] = []) {}\n    func f(_ a: Span<UInt8>) {}\n}", 0),
        ("protocol P {\n    func f(_ a: B)\n}\nstruct A: P {\n    func f(_ a: Int) {}\n    func f(_ a: B) {}\n}", 0),
    ])
    func objects(_ text: String, _ count: Int) {
        #expect(Words.objects(declared(text)).count == count)
    }

    @Test(arguments: [
        "let a = Date()", "let a = Int.random(in: 0..<3)", "var g = SystemRandomNumberGenerator()", "Task { }",
        "await f()", "import Foundation", "let lock = NSLock()", "let m = Mutex(0)", "NIOLockedValueBox(0)", "print(1)",
        "let now = ContinuousClock.now", "func f() async {}", "Task.detached", "let x = \"\\(Date())\"", "a.shuffled()",
    ])
    func purity(_ line: String) {
        #expect(Rules.purity(SwiftFile(path: "Sources/Consensus/a.swift", "\n\(line)\n")).map(\.line) == [2])
        #expect(Rules.purity(SwiftFile(path: "Sources/NodeRuntime/a.swift", line)).isEmpty)
    }

    @Test(arguments: [
        "// Date() and await", "let a = \"await Task\"", "/* Date() /* await */ Task */", "let a = update()",
        "let a = Int.random(in: 0..<3, using: &generator)", "let a = InternalDate(seconds: 1)", "let task = 1",
        "let a = #\"await \"Task\" \\(x) \"#", "let a = \"\"\"\n    await\n    \"\"\"",
    ])
    func impureWordsThatAreNoCode(_ line: String) {
        #expect(Rules.purity(SwiftFile(path: "Sources/Consensus/a.swift", line)).isEmpty)
    }

    @Test func saltsMayBeRandom() {
        let line = "var g = SystemRandomNumberGenerator()"
        #expect(Rules.purity(SwiftFile(path: "Sources/Authentication/a.swift", line)).isEmpty)
    }

    @Test(arguments: [
        ("final class A: @unchecked Sendable {", 1),
        ("nonisolated(unsafe) static var a = 0", 1),
        ("nonisolated(unsafe) var a = 0\nnonisolated(unsafe) var b = 0", 2),
        ("/// One thread.\nfinal class A: @unchecked Sendable {", 0),
        ("final class A: @unchecked Sendable {  // one thread", 0),
        ("// One thread.\nnonisolated(unsafe) var a = 0\nnonisolated(unsafe) var b = 0", 0),
        ("/// Nice.\nfinal class A: @unchecked Sendable {", 1),
        ("/// One thread.\n@safe\nfinal class A: @unchecked Sendable {", 0),
        ("// @unchecked Sendable", 0),
    ])
    func reasons(_ text: String, _ count: Int) {
        #expect(Rules.reasons(SwiftFile(path: "a.swift", text)).count == count)
    }

    @Test func traps() {
        let text = "let a = try! f()\nlet b = c as! D\n// try!\nlet e = \"as!\"\nlet g = try f()\n"
        #expect(Rules.traps(SwiftFile(path: "Sources/A/a.swift", text)).map(\.line) == [1, 2])
        #expect(Rules.traps(SwiftFile(path: "Tests/ATests/a.swift", text)).isEmpty)
    }

    @Test func notesPathsAndFlags() {
        let bad = [
            "// TO" + "DO: x", "// FIX" + "ME", "XX" + "X: y", "\"/" + "work/x\"", "/" + "root/a", "(/" + "home/b",
        ]
        for line in bad + ["[\"-O" + "unchecked\"]"] {
            #expect(Rules.text(TextFile(path: "Sources/A/a.swift", text: "\n\(line)")).map(\.line) == [2], "\(line)")
        }
        let good = ["/tmp/staffetta-XXXXXX", "Sources/work/a", "$x/home", "a network/"]
        #expect(Rules.text(TextFile(path: "a.md", text: good.joined(separator: "\n"))).isEmpty)
    }

    @Test(arguments: [
        ("Consensus", "import NIOCore"), ("MailModel", "public import Foundation"),
        ("IMAPSession", "internal import MailStore"), ("LMTPGateway", "import MailStore"),
        ("IMAPGateway", "@testable import LMTPGateway"), ("LogStorage", "import NodeRuntime"),
        ("StateStorage", "import struct MailStore.Key"), ("PeerTransport", "import NodeRuntime"),
        ("ReplicaCore", "import MailModel"), ("Authentication", "import MailModel"), ("Unheard", "let a = 1"),
        ("MailStore", "import MailStore"),
    ])
    func imports(_ module: String, _ line: String) {
        #expect(!House.imports(SwiftFile(path: "Sources/\(module)/a.swift", line)).isEmpty)
    }

    @Test(arguments: [
        ("Consensus", "// import NIOCore"), ("MailModel", "public import NIOCore"),
        ("LMTPGateway", "internal import MailModel"), ("NodeRuntime", "import LogStorage"),
    ])
    func importsThatMayBe(_ module: String, _ line: String) {
        #expect(House.imports(SwiftFile(path: "Sources/\(module)/a.swift", line)).isEmpty)
    }
}
