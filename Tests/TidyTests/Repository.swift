import Foundation

/// A file of the repository, as rules see it.
struct TextFile: Sendable {
    /// From the top of the repository.
    let path: String
    let text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}

/// What a rule found, at a line (from 1).
struct Violation: Hashable, CustomStringConvertible {
    let path: String
    let line: Int
    let what: String
    var description: String { "\(path):\(line): \(what)" }
}

enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Where text lives that people wrote.
    private static let places = ["Sources", "Tests", "Deploy", "Scripts", "Proto", "Docs", ".ci"]

    /// Every text file but generated ones.
    static let files: [TextFile] = {
        var found: [TextFile] = []
        for place in places { collect(root.appendingPathComponent(place), place, &found) }
        let top = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        for name in top.sorted() where name.hasSuffix(".swift") || name.hasSuffix(".md") {
            read(root.appendingPathComponent(name), name, &found)
        }
        return found
    }()

    static let swift = files.filter { $0.path.hasSuffix(".swift") }.map(SwiftFile.init)
    static let sources = swift.filter { $0.path.hasPrefix("Sources/") }
    static let declarations: [Words.DeclaredFile] = sources.map { ($0, Declarations($0).list) }

    private static func collect(_ directory: URL, _ path: String, _ found: inout [TextFile]) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        for name in names.sorted() where name != "Generated" {
            let child = directory.appendingPathComponent(name)
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: child.path, isDirectory: &isDirectory) else { continue }
            // What a link leads to is looked at where it is.
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: child.path)) != nil { continue }
            if isDirectory.boolValue {
                collect(child, "\(path)/\(name)", &found)
            } else {
                read(child, "\(path)/\(name)", &found)
            }
        }
    }

    private static func read(_ file: URL, _ path: String, _ found: inout [TextFile]) {
        guard let data = try? Data(contentsOf: file), let text = String(data: data, encoding: .utf8) else { return }
        found.append(TextFile(path: path, text: text))
    }
}
