internal import Consensus
internal import MailModel
internal import NIOCore
internal import NodeRuntime

/// More calls than the cluster can take, for a few seconds, from callers that repeat what was refused: what waits for a
/// group stays within its bounds, and is gone when the surge is over.
///
/// The commands go through the log with all their bytes, and are refused when they are applied: pieces of messages that
/// nobody has begun.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimSurge: @unchecked Sendable {
    private unowned let world: World
    private var random: SimRandom
    /// Calls under way at once.
    private let target: Int
    private let commandBytes: Int
    private let begin: Int64
    private let end: Int64
    private struct Call {
        let command: MailCommand
        let account: AccountID
        let group: GroupID
    }

    /// Calls under way by their numbers, by the node that they were submitted at.
    private var underWay: [[Int: (request: RequestID, group: GroupID)]]
    /// What was not carried out, as far as its callers know: they repeat it, at whichever node. At most as many as are
    /// under way at once.
    private var refused: [Call] = []
    private(set) var calls = 0
    private(set) var refusals = 0

    /// Nil for most seeds.
    init?(_ world: World, random: SimRandom) {
        self.world = world
        self.random = random
        guard self.random.below(6) == 0 else { return nil }
        target = self.random.pick([100, 400, 4_000]) ?? 400
        commandBytes = self.random.pick([64, 1_000, 8_000]) ?? 1_000
        begin = self.random.between(1_000_000...8_000_000)
        end = begin + self.random.between(500_000...2_000_000)
        underWay = Array(repeating: [:], count: world.options.nodes)
        world.schedule(.use(.surge), after: begin)
    }

    var isOver: Bool { world.now >= end && underWay.allSatisfy(\.isEmpty) }

    /// Fills up to the target what is under way.
    func act() {
        guard world.now < end, !world.isHealing else {
            return world.trace.add(at: world.now, .call, node: 0, "surge of \(calls) calls, \(refusals) refused")
        }
        world.schedule(.use(.surge), after: random.between(5_000...50_000))
        // A group that is to rest must be left alone.
        guard world.injector.strand.group == nil else { return }
        let missing = target - underWay.reduce(0) { $0 + $1.count }
        for _ in 0..<max(0, min(missing, 400)) {
            guard let call = refused.popLast() ?? newCall() else { continue }
            submit(call, at: world.nodes[random.below(world.nodes.count)])
        }
    }

    private func newCall() -> Call? {
        guard let client = random.pick(world.clients), let account = client.account?.id else { return nil }
        let command = MailCommand.uploadChunk(
            BodyID(milliseconds: 1_800_000_000_000, random: random.next(), random.next()),
            index: 7,
            bytes: ByteBuffer(repeating: UInt8(truncatingIfNeeded: calls), count: 1 + random.below(commandBytes))
        )
        return Call(command: command, account: account, group: client.group)
    }

    private func submit(_ call: Call, at node: SimNode) {
        guard let service = node.service else { return }
        let (command, account, group) = (call.command, call.account, call.group)
        let request = node.nextRequest(to: group)
        calls += 1
        let number = calls
        world.checker.register(request, group: group, account: account, command: command)
        underWay[node.position][number] = (request, group)
        let completion = Completion<MailOutcome>(on: nil) { [unowned self, unowned node] result in
            guard underWay[node.position].removeValue(forKey: number) != nil else {
                return world.fail("a call is answered once", "surge, call \(number)")
            }
            switch result {
            case .success(let outcome):
                world.checker.acknowledged(request, group: group, outcome: outcome, world: world)
            case .failure:
                refusals += 1
                if refused.count < target { refused.append(call) }
                world.checker.gaveUp(request, group)
            }
        }
        service.submit(command, to: group, account: account, completion)
        world.wake(node)
    }

    /// The node has crashed: its calls get no answer.
    func nodeCrashed(_ position: Int) {
        for call in underWay[position].values { world.checker.gaveUp(call.request, call.group) }
        underWay[position] = [:]
    }
}
