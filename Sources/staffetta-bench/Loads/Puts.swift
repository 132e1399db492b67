internal import ArgumentParser
internal import LoadModel

struct Puts: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put small values into etcd, to compare with changes of flags.",
        discussion: """
            Over the JSON gateway of etcd 3.4 or later, which costs etcd more than gRPC does.

            Example: staffetta-bench puts --server 127.0.0.1:2379,127.0.0.1:2381 --sessions 64 --seconds 20
            """
    )
    @OptionGroup var loop: LoopOptions
    @OptionGroup var use: ServerUseOptions
    @OptionGroup var plot: PlotOptions

    @Option(help: ArgumentHelp("Bytes of a value.", valueName: "bytes"))
    var size = 64

    private static let timeoutSeconds = 30

    func validate() throws {
        guard (1...65_536).contains(size) else { throw ValidationError("--size is from 1 to 65536") }
    }

    func run() throws {
        let etcd = Endpoint(host: "127.0.0.1", port: 2_379)
        let plan = LoadRun.Plan("puts", loop, defaultServer: etcd, pids: use.pids)
        let report = try LoadRun.run(plan) { [size] _ in
            PutSession(valueBytes: size, timeoutSeconds: Self.timeoutSeconds)
        }
        try Output.print(report, use, plot: plot)
    }
}
