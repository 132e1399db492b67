import Foundation
import Testing

@testable import Consensus

/// Runs the scripts under `Scripts` and compares what they print with what they say they print.
///
/// A script is a list of blocks: comments (`#`), one command, `----`, its output, an empty line. With
/// `STAFFETTA_REWRITE=1` in the environment the outputs are written anew; read the difference before committing it.
@Suite struct ScriptTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Scripts")

    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".txt") }.sorted()
    }

    @Test func thereAreScripts() {
        #expect(Self.names.count >= 12)
    }

    @Test(arguments: names)
    func printsWhatItSays(name: String) throws {
        let url = Self.folder.appendingPathComponent(name)
        let text = try String(contentsOf: url, encoding: .utf8)
        var interpreter = ScriptInterpreter()
        var result = ""
        for block in Self.blocks(text) {
            let output = interpreter.run(block.command)
            if block.output != output, !isRewriting {
                Issue.record("\(name): \(block.command)\nexpected:\n\(block.output)\ngot:\n\(output)")
                return
            }
            result += block.comments + block.command + "\n----\n" + output + "\n"
        }
        interpreter.cluster.checkLogMatching()
        #expect(interpreter.cluster.violations == [])
        if isRewriting {
            // Never an empty line at the end of the file.
            try (result.dropLast()).write(to: url, atomically: true, encoding: .utf8)
        }
    }

    private var isRewriting: Bool { ProcessInfo.processInfo.environment["STAFFETTA_REWRITE"] == "1" }

    private static func blocks(_ text: String) -> [(comments: String, command: String, output: String)] {
        var blocks: [(comments: String, command: String, output: String)] = []
        var comments = ""
        var isOutput = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                // An empty line between comments stays.
                if !comments.isEmpty, !isOutput { comments += "\n" }
                isOutput = false
            } else if line == "----" {
                isOutput = true
            } else if isOutput {
                blocks[blocks.count - 1].output += line + "\n"
            } else if line.hasPrefix("#") {
                comments += line + "\n"
            } else {
                blocks.append((comments, String(line), ""))
                comments = ""
            }
        }
        return blocks
    }
}
