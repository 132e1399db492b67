/// Which module may know which. A module that is not in here fails the test: its place is decided first.
enum House {
    /// Layers, from the bottom; an import always goes down.
    private static let layers: [[String]] = [
        [
            "Consensus", "MessageFormat", "IMAPSyntax", "Authentication", "CAllocator", "CChecksum",
            "CRocksCalls", "CRocksDB", "CSemaphore", "CharsetConversion",
        ],
        ["MailModel", "ReplicaCore", "StateStorage", "LogStorage", "LoadModel"],
        ["IMAPSession", "Placement"],
        ["MailStore"],
        ["PeerTransport"],
        ["NodeRuntime", "GatewaySupport"],
        ["IMAPGateway", "LMTPGateway", "AdminAPI"],
        ["AdminService", "DevCluster", "Simulation"],
        ["ServerProcess"],
        ["staffetta", "staffettactl", "staffetta-sim", "staffetta-bench"],
    ]

    /// All that these import, libraries included.
    private static let exact: [String: Set<String>] = [
        "Consensus": [],
        // Only for the identifiers and configurations that the directory is about.
        "MailModel": ["Consensus", "NIOCore"],
        "MessageFormat": ["NIOCore"],
        "IMAPSyntax": ["NIOCore"],
        "IMAPSession": ["IMAPSyntax", "MailModel", "NIOCore"],
        "Authentication": ["Crypto", "CryptoExtras"],
        // Nothing but iconv, which the gateways hand to the pure MessageFormat behind a protocol.
        "CharsetConversion": ["Glibc"],
        "ReplicaCore": ["Consensus", "NIOCore"],
        // Only for the identifiers of nodes, groups and replicas.
        "Placement": ["Consensus", "MailModel"],
        // Nothing of the system but its mathematics.
        "LoadModel": ["Consensus", "Glibc", "Histogram"],
        // What gateways share stands apart from what is hidden from them.
        "GatewaySupport": ["Logging", "MailModel", "NIOConcurrencyHelpers", "NIOCore"],
    ]

    /// Gateways know their machine and the protocol `MailService`: never how mail is kept, nor each other.
    private static let gateways: Set = ["IMAPGateway", "LMTPGateway"]
    private static let hiddenFromGateways: Set = [
        "StateStorage", "LogStorage", "MailStore", "Consensus", "ReplicaCore", "PeerTransport", "NodeRuntime",
        "IMAPGateway", "LMTPGateway",
    ]

    private static let rank: [String: Int] = Dictionary(
        uniqueKeysWithValues: layers.enumerated().flatMap { rank, modules in modules.map { ($0, rank) } }
    )

    static func imports(_ file: SwiftFile) -> [Violation] {
        guard let module = file.module else { return [] }
        guard let own = rank[module] else { return [file.violation(1, "the module \(module) has no place yet")] }
        var found: [Violation] = []
        for (line, imported) in file.imports {
            if let allowed = exact[module], !allowed.contains(imported) {
                found.append(file.violation(line, "\(module) may not import \(imported)"))
            }
            if gateways.contains(module), hiddenFromGateways.contains(imported) {
                found.append(file.violation(line, "a gateway may not know \(imported)"))
            }
            if let other = rank[imported], other >= own {
                found.append(file.violation(line, "\(module) imports \(imported), which is not below it"))
            }
        }
        return found
    }

    /// Rooms of a running node never see one another, nor who calls them: what one must know of another lies on the
    /// floor.
    static func rooms(_ file: SwiftFile) -> [Violation] {
        let path = file.path.split(separator: "/").map(String.init)
        guard path.count >= 4, path[1] == "NodeRuntime" else { return [] }
        let own: String
        switch path[2] {
        case "Rooms": own = path[3] + "Room"
        case "Agent" where path[3].hasSuffix("Room.swift"): own = String(path[3].dropLast(".swift".count))
        default: return []
        }
        let callers: Set = ["LoopRooms", "ReplicaLoop", "NodeAgent", "NodeCore"]
        var found: [Violation] = []
        for (number, line) in file.code.enumerated() {
            let words = line.split { !$0.isLetter && !$0.isNumber }.map(String.init)
            for word in words where (word.hasSuffix("Room") && word != "Room" && word != own) || callers.contains(word)
            {
                guard word.first?.isUppercase == true else { continue }
                found.append(file.violation(number + 1, "\(own) may not see \(word)"))
            }
        }
        return found
    }

    /// What a room's folder declares is its own: other rooms may not name it, nor extend what all of them may touch.
    static func roomTypes(_ files: [SwiftFile]) -> [Violation] {
        let inRooms = files.compactMap { file in room(of: file).map { (room: $0, file: file) } }
        var owners: [String: String] = [:]
        var found: [Violation] = []
        for (room, file) in inRooms {
            for (number, line) in file.code.enumerated() where line.first?.isWhitespace == false {
                let words = line.split { !$0.isLetter && !$0.isNumber }.map(String.init)
                guard !words.contains("private"), !words.contains("fileprivate"),
                    let kind = words.firstIndex(where: {
                        ["struct", "class", "enum", "protocol", "extension"].contains($0)
                    }),
                    kind + 1 < words.count
                else { continue }
                if words[kind] != "extension" { owners[words[kind + 1]] = room }
                if words[kind] == "extension", words[kind + 1] == "Floor", !extendsPrivately(file, from: number) {
                    found.append(file.violation(number + 1, "what \(room) adds to the floor is seen by all rooms"))
                }
            }
        }
        for (room, file) in inRooms {
            for (number, line) in file.code.enumerated() {
                for word in Set(line.split { !$0.isLetter && !$0.isNumber }.map(String.init)).sorted() {
                    guard let owner = owners[word], owner != room else { continue }
                    found.append(file.violation(number + 1, "\(room) may not see \(word) of \(owner)"))
                }
            }
        }
        return found
    }

    /// Whether all that an extension declares is private, or for those who watch: other modules.
    private static func extendsPrivately(_ file: SwiftFile, from number: Int) -> Bool {
        for line in file.code[(number + 1)...] {
            if line.first == "}" { return true }
            let words = line.split { !$0.isLetter && !$0.isNumber }
            guard line.hasPrefix("    "), !line.hasPrefix("     "), words.contains("func") || words.contains("var")
            else {
                continue
            }
            if !words.contains("private"), !words.contains("fileprivate"), !words.contains("package") { return false }
        }
        return true
    }

    private static func room(of file: SwiftFile) -> String? {
        let path = file.path.split(separator: "/").map(String.init)
        return path.count > 4 && path[1] == "NodeRuntime" && path[2] == "Rooms" ? path[3] : nil
    }
}
