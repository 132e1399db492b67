internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import Glibc
internal import SwiftProtobuf
internal import SystemPackage

/// What every verb takes that changes the cluster.
struct ChangeOptions: ParsableArguments {
    @Flag(help: "Only say what would happen, and what would then not be survived.") var dryRun = false
}

/// What a verb takes besides that begins something that takes its time.
struct OperationOptions: ParsableArguments {
    @Flag(help: "Wait until it has ended, with its progress on standard error.") var wait = false
    @Option(
        help: ArgumentHelp(
            "The operation's number, 16 hexadecimal digits: the same number is the same operation. Default: drawn.",
            valueName: "id"
        )
    )
    var operation: String?

    func validate() throws {
        guard let operation, UInt64(operation, radix: 16) ?? 0 == 0 else { return }
        throw ValidationError("--operation \(operation): expected up to 16 hexadecimal digits")
    }

    /// Drawn once for a run of the program: however often it asks, it is the same operation.
    func number() -> UInt64 { operation.flatMap { UInt64($0, radix: 16) } ?? .random(in: 1...(.max)) }
}

/// Shows what a change comes to, and waits for it where that is asked for.
struct ChangeOutput {
    let connection: ConnectionOptions
    let isDryRun: Bool

    /// - Parameters:
    ///   - message: what programs get.
    ///   - done: the sentence for a change that takes no time.
    ///   - waits: whether to wait for the operation.
    func show(
        _ message: any SwiftProtobuf.Message,
        preview: Staffetta_Admin_V1_Preview,
        _ operation: Staffetta_Admin_V1_Operation?,
        done: String,
        waits: Bool = false
    ) async throws {
        if connection.format == .json, !waits || operation == nil { return print(try message.jsonString()) }
        if connection.format == .table { showTable(preview, operation, done: done) }
        guard waits, let operation else { return }
        let ended = try await OperationWatch(id: operation.id, connection: connection).end()
        if connection.format == .json { print(try ended.jsonString()) } else { print(ended.summary) }
        if ended.state != "succeeded" { throw ExitCode(1) }
    }

    private func showTable(
        _ preview: Staffetta_Admin_V1_Preview,
        _ operation: Staffetta_Admin_V1_Operation?,
        done: String
    ) {
        if isDryRun {
            print("nothing was changed; this would happen:\n")
            showMoves(preview)
            showLosses("meanwhile", preview.notSurvivedDuring)
            showLosses("afterwards", preview.notSurvivedAfter)
            for obstacle in preview.obstacles { print("stays wrong: \(obstacle)") }
            return
        }
        guard let operation else { return print(done) }
        print("operation \(operation.id): \(operation.summary)")
        if operation.state == "running" {
            print("`staffettactl operation watch \(operation.id)` shows how far it is")
        }
    }

    private func showMoves(_ preview: Staffetta_Admin_V1_Preview) {
        guard preview.moveCount > 0 else { return print("no replica and no leadership moves") }
        Table(
            header: ["GROUP", "MOVE", "FROM", "TO", "BYTES", "WHY"],
            rows: preview.moves.map { move in
                [
                    "\(move.group)", move.kind, Self.list(move.fromNode, move.alsoFrom),
                    Self.list(move.toNode, move.alsoTo), bytes(move.bytes), move.reason,
                ]
            }
        ).printOut()
        let more = Int(preview.moveCount) - preview.moves.count
        if more > 0 { print("... and \(more) more") }
        print("\n\(preview.moveCount) moves, \(bytes(preview.bytesToCopy)) to copy")
    }

    private static func list(_ first: UInt64, _ others: [UInt64]) -> String {
        first == 0 ? "" : ([first] + others).map { "\($0)" }.joined(separator: ",")
    }

    private func showLosses(_ when: String, _ sentences: [String]) {
        guard !sentences.isEmpty else {
            return print("\(when) the loss of any one value that the rules spread over is survived")
        }
        print("\(when) not survived:")
        for sentence in sentences { print("  \(sentence)") }
    }
}

/// Follows an operation until it has ended.
struct OperationWatch {
    let id: String
    let connection: ConnectionOptions

    /// Prints its progress to standard error: a bar on a terminal, else a line when something has changed.
    func end() async throws -> Staffetta_Admin_V1_Operation {
        let isTerminal = isatty(2) == 1
        var shown = ""
        func say(_ operation: Staffetta_Admin_V1_Operation) {
            let line = Self.line(operation)
            guard line != shown else { return }
            shown = line
            _ = try? FileDescriptor.standardError.writeAll((isTerminal ? "\r\u{1b}[K" + line : line + "\n").utf8)
        }
        defer {
            if isTerminal, !shown.isEmpty { _ = try? FileDescriptor.standardError.writeAll("\n".utf8) }
        }
        while true {
            let id = id
            let operation = try await connection.call(.harmless) { client in
                try await Staffetta_Admin_V1_Operations.Client(wrapping: client)
                    .getOperation(.with { $0.id = id }, options: .admin())
            }
            say(operation)
            guard operation.state == "running" else { return operation }
            try await Task.sleep(for: .milliseconds(400))
        }
    }

    private static let barWidth = 20

    static func line(_ operation: Staffetta_Admin_V1_Operation) -> String {
        let done = operation.replicas - min(operation.replicas, operation.replicasLeft)
        let part = operation.replicas == 0 ? 1 : Double(done) / Double(operation.replicas)
        let filled = Int(part * Double(barWidth))
        var line = "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled) + "] "
        line += "\(done) of \(operation.replicas) " + (operation.kind == "drain" ? "leaderships" : "replicas")
        if operation.bytes > 0 {
            line +=
                ", \(bytes(operation.bytes - min(operation.bytes, operation.bytesLeft))) of \(bytes(operation.bytes))"
        }
        if operation.secondsLeft > 0 { line += ", about \(operation.secondsLeft) s left" }
        if let wait = operation.waits.first { line += "; waits: \(wait)" }
        return line
    }
}
