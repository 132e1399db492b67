internal import AdminAPI
internal import ArgumentParser
internal import GRPCCore
internal import Glibc
internal import SwiftProtobuf
internal import SystemPackage

struct GroupVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare what all replicas of a group hold at one index.",
        discussion: """
            The exit status is 0 when all voters hold the same, 1 when they differ, when some did not answer, or when \
            the time was over.

            Examples:
              staffettactl group verify 3
              staffettactl group verify 3 --scrub --deadline-seconds 7200
            """
    )
    @Argument(help: "The group's number.") var id: UInt32
    @Flag(help: "Also read all rows, and compute from them what is otherwise only kept along.") var scrub = false
    @Option(help: "How long to wait: 120 by default, 3600 with --scrub. The verification goes on all the same.")
    var deadlineSeconds: Int64?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (deadlineSeconds ?? 1) > 0 else { throw ValidationError("--deadline-seconds is at least 1") }
    }

    func run() async throws {
        let (id, scrub) = (id, scrub)
        var options = CallOptions.admin()
        options.timeout = .seconds(deadlineSeconds ?? (scrub ? 3_600 : 120))
        let callOptions = options
        let verification = try await connection.call(
            .unwanted(thenAsk: "staffettactl group describe \(id)"),
            retries: { $0.code == .failedPrecondition }
        ) { client in
            try await Staffetta_Admin_V1_Groups.Client(wrapping: client).verifyGroup(
                .with {
                    $0.group = id
                    $0.scrub = scrub
                },
                options: callOptions
            ) { response in
                var result: Staffetta_Admin_V1_Verification?
                for try await message in response.messages {
                    switch message.step {
                    case .progress(let progress): say(progress)
                    case .result(let found): result = found
                    case nil: break
                    }
                }
                guard let result else { throw RPCError(code: .unavailable, message: "the node gave no result") }
                return result
            }
        }
        try show(verification)
        if verification.result != .equal { throw ExitCode(1) }
    }

    private func show(_ verification: Staffetta_Admin_V1_Verification) throws {
        if connection.format == .table {
            print("group \(id), entry \(verification.index): \(sentence(verification))\n")
        }
        try connection.show(verification) {
            Table(
                header: ["REPLICA", "NODE", "ROLE", "STANDING", "DIGEST", "ROWS", "FIRST DIFFERENCE"],
                rows: verification.replicas.map { replica in
                    [
                        "\(replica.id)", "\(replica.node)", replica.isVoter ? "voter" : "learner", replica.standing,
                        replica.digest, replica.scrub,
                        replica.row.isEmpty ? "" : "\(replica.row) (key \(replica.key))",
                    ]
                }
            )
        }
    }

    private func sentence(_ verification: Staffetta_Admin_V1_Verification) -> String {
        switch verification.result {
        case .equal: "all replicas hold the same"
        case .incomplete: "those that answered hold the same, others did NOT ANSWER"
        case .different: "replicas DIFFER; those that differ from the majority are given up, and built from the others"
        case .disputed: "replicas DIFFER, and no majority says who is right: nothing is given up, none is copied"
        case .unspecified, .UNRECOGNIZED: "no result"
        }
    }
}

/// On standard error: what is asked for goes to standard output alone.
private func say(_ progress: Staffetta_Admin_V1_VerifyProgress) {
    var text = "\(progress.answered) of \(progress.replicas) replicas have answered"
    if progress.isSearching {
        text = "replicas differ; looking for the first row"
    } else if progress.scrubbedBytes > 0 {
        text += ", \(bytes(progress.scrubbedBytes)) of rows read"
    }
    _ = try? FileDescriptor.standardError.writeAll((text + "\n").utf8)
}

/// Milliseconds since 1970 for people, in UTC.
func time(_ milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
        + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
}
