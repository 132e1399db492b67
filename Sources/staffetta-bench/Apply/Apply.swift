internal import ArgumentParser
internal import CAllocator

/// Measures what the applier's thread spends on one entry, for each kind of command at its worst.
struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how long entries of the log keep the applier, each kind at its worst.",
        discussion: """
            Needs no server: fills databases in a temporary directory, and applies the largest entries that gateways \
            and housekeeping propose, one at a time, each written by itself. Takes a minute or two, and up to 2 GB.

            Example: staffetta-bench apply --messages 200000
            """
    )

    @Option(help: "Messages in the large mailbox.")
    var messages = 200_000

    @Option(help: "Where to make the temporary directory.")
    var directory = "/tmp"

    @Option(help: "Measures only what has this in its name.")
    var only = ""

    @Option(help: "Prepares only what these are measured in; all of them where none is named.")
    var part: [ApplyPart] = []

    private static let mappedBlockBytes: Int32 = 256 << 10

    func validate() throws {
        guard messages >= 20_000 else { throw ValidationError("there are at least 20000 messages") }
    }

    func run() throws {
        // As `staffetta serve` does: what a large block costs depends on it.
        staffetta_map_blocks_from(Self.mappedBlockBytes)
        ApplyTable.printHead()
        for part in part.isEmpty ? ApplyPart.allCases : part {
            let rig = try ApplyRig(in: directory, group: part.group, only: only)
            try part.run(rig, messages)
            try rig.close()
        }
    }
}
