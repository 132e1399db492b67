internal import FuzzSupport
internal import MailModel
internal import NIOCore

/// A command, an outcome and a query of every kind, and some answers, as `fuzz-command` takes them.
@main struct Main {
    static func main() {
        let seeds = Seeds()
        for (index, command) in Samples.commands.enumerated() {
            var bytes = ByteBuffer(integer: 0, as: UInt8.self)
            bytes.writeImmutableBuffer(Samples.envelope(command).encoded())
            seeds.write("seed-command-\(index)", bytes)
        }
        for (index, outcome) in Samples.outcomes.enumerated() {
            var bytes = ByteBuffer(integer: 1, as: UInt8.self)
            outcome.encode(into: &bytes)
            seeds.write("seed-outcome-\(index)", bytes)
        }
        for (index, query) in QuerySamples.queries.enumerated() {
            var bytes = ByteBuffer(integer: 2, as: UInt8.self)
            query.encode(into: &bytes)
            seeds.write("seed-query-\(index)", bytes)
        }
        for (index, answer) in QuerySamples.answers.enumerated() {
            var bytes = ByteBuffer(integer: 3, as: UInt8.self)
            answer.encode(into: &bytes)
            seeds.write("seed-answer-\(index)", bytes)
        }
    }
}
