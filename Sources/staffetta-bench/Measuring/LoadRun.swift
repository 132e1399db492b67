internal import LoadModel
internal import NIOConcurrencyHelpers

/// Runs sessions side by side, and says what came of it.
///
/// A request whose connection is lost is made again over a new connection to the next server, and one that the server
/// refuses for the moment is made again after a pause; its latency goes on counting. So do MTAs and mail clients when a
/// server fails over.
final class LoadRun: Sendable {
    /// What is run.
    struct Plan: Sendable {
        /// What one request is, in the plural.
        let requests: String
        let servers: [Endpoint]
        let sessions: Int
        let rate: Double?
        let pacer: Pacer
        let warmUpSeconds: Double
        /// The processes of the server; none: nothing is said of them.
        let pids: [Int]

        init(_ requests: String, _ loop: LoopOptions, defaultServer: Endpoint, pids: [Int]) {
            self.requests = requests
            servers = loop.server?.all ?? [defaultServer]
            sessions = loop.sessions
            rate = loop.rate
            pacer = loop.pacer
            warmUpSeconds = loop.warmUp
            self.pids = pids
        }

        /// A closed loop without a warm-up, of which nobody asks what the server used.
        init(requests: String, servers: [Endpoint], sessions: Int, pacer: Pacer) {
            self.requests = requests
            self.servers = servers
            self.sessions = sessions
            self.pacer = pacer
            rate = nil
            warmUpSeconds = 0
            pids = []
        }
    }

    typealias MakeSession = @Sendable (_ session: Int) throws -> any LoadSession

    /// What all sessions add to.
    private struct Total {
        var latencies = LatencyHistogram()
        var kinds: [String: LatencyHistogram] = [:]
        var errors = 0
        var firstError: String?
        var stored = 0
        var fetched = 0
        var lastEnd = 0.0
    }

    private let plan: Plan
    private let begun = NIOLockedValueBox(0.0)
    private let pacer: NIOLockedValueBox<Pacer>
    private let timeline = NIOLockedValueBox(Timeline())
    private let total = NIOLockedValueBox(Total())
    private let openedCount = NIOLockedValueBox(0)
    private let opened = ConditionLock(value: 0)
    private let start = ConditionLock(value: false)
    private let openFailures = NIOLockedValueBox<[String]>([])

    /// A request is given up when it has not gone well for so long.
    private static let patienceSeconds = 60.0
    private static let firstPauseSeconds = 0.02
    private static let longestPauseSeconds = 1.0

    private init(_ plan: Plan) {
        self.plan = plan
        pacer = NIOLockedValueBox(plan.pacer)
    }

    /// Opens all sessions, and runs the load to its end.
    ///
    /// - Throws: ``BenchError`` when a session cannot be opened at the beginning, or when no request went well.
    static func run(
        _ plan: Plan,
        _ makeSession: @escaping MakeSession
    ) throws -> LoadReport {
        try LoadRun(plan).carryOut(makeSession)
    }

    private func carryOut(_ makeSession: @escaping MakeSession) throws -> LoadReport {
        let threads = (0..<plan.sessions).map { number in
            WorkerThread { self.work(number, makeSession) }
        }
        opened.lock(whenValue: plan.sessions)
        opened.unlock()
        let failures = openFailures.withLockedValue { $0 }
        if let first = failures.first {
            // The others find no request to carry out.
            pacer.withLockedValue { $0 = Pacer(rate: nil, requests: 0, seconds: nil, warmUpSeconds: 0) }
            release()
            for thread in threads { thread.join() }
            throw BenchError("\(failures.count) sessions failed, the first: \(first)")
        }
        let server = ProcessTree(plan.pids)
        var before = server.use
        release()
        if plan.warmUpSeconds > 0 {
            Clock.sleep(until: begun.withLockedValue { $0 } + plan.warmUpSeconds)
            before = server.use
        }
        for thread in threads { thread.join() }
        return try report(server.usage(since: before))
    }

    private func release() {
        begun.withLockedValue { $0 = Clock.now }
        start.lock()
        start.unlock(withValue: true)
    }

    private func report(_ usage: LoadReport.ServerUsage?) throws -> LoadReport {
        let total = total.withLockedValue { $0 }
        guard total.latencies.count > 0 else {
            throw BenchError("no request went well; the first error: \(total.firstError ?? "none")")
        }
        var report = LoadReport(
            requests: plan.requests,
            sessions: plan.sessions,
            wantedRate: plan.rate,
            seconds: total.lastEnd - plan.warmUpSeconds,
            latencies: total.latencies
        )
        report.kinds = total.kinds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        report.errors = total.errors
        report.firstError = total.firstError
        report.storedBytes = total.stored
        report.fetchedBytes = total.fetched
        report.server = usage
        report.timeline = timeline.withLockedValue { $0.seconds }
        return report
    }

    // MARK: On the thread of a session

    private func work(_ number: Int, _ makeSession: MakeSession) {
        var session: (any LoadSession)?
        do {
            let made = try makeSession(number)
            try made.open(plan.servers[number % plan.servers.count])
            session = made
        } catch {
            openFailures.withLockedValue { $0.append("\(error)") }
        }
        let count = openedCount.withLockedValue { count in
            count += 1
            return count
        }
        opened.lock()
        opened.unlock(withValue: count)
        start.lock(whenValue: true)
        start.unlock()
        guard let session else { return }
        var worker = Worker(session: session, server: number)
        while turn(&worker) {}
        total.withLockedValue { total in
            total.latencies.merge(worker.latencies)
            for (kind, latencies) in worker.kinds { total.kinds[kind, default: LatencyHistogram()].merge(latencies) }
            total.stored += worker.stored
            total.fetched += worker.fetched
        }
    }

    /// What the thread of a session knows.
    private struct Worker {
        let session: any LoadSession
        /// Which of the servers it uses, modulo their number.
        var server: Int
        /// Requests to be made again, before new ones.
        var again: [Pacer.Ticket] = []
        var inFlight: [Pacer.Ticket] = []
        /// A request that was drawn but is not due yet.
        var next: Pacer.Ticket?
        var failuresInRow = 0
        /// Whether its server stays away.
        var isOver = false
        var latencies = LatencyHistogram()
        var kinds: [String: LatencyHistogram] = [:]
        var stored = 0
        var fetched = 0
    }

    private var now: Double { Clock.now - begun.withLockedValue { $0 } }

    /// - Returns: false when there is nothing left to do.
    private func turn(_ worker: inout Worker) -> Bool {
        guard !worker.isOver else { return false }
        do {
            while worker.inFlight.count < worker.session.window, let ticket = draw(&worker) {
                let now = now
                if ticket.due > now {
                    if !worker.inFlight.isEmpty {
                        worker.next = ticket
                        break
                    }
                    Clock.sleep(until: begun.withLockedValue { $0 } + ticket.due)
                }
                worker.inFlight.append(ticket)
                try worker.session.begin(ticket.number)
            }
            guard !worker.inFlight.isEmpty else { return false }
            let finished = try worker.session.finish()
            note(finished, of: worker.inFlight.removeFirst(), &worker)
            worker.failuresInRow = 0
        } catch {
            recover(error, &worker)
        }
        return true
    }

    private func draw(_ worker: inout Worker) -> Pacer.Ticket? {
        if !worker.again.isEmpty { return worker.again.removeFirst() }
        if let next = worker.next {
            worker.next = nil
            return next
        }
        let now = now
        return pacer.withLockedValue { $0.next(now: now) }
    }

    private func note(_ finished: Finished, of ticket: Pacer.Ticket, _ worker: inout Worker) {
        guard ticket.isCounted else { return }
        let end = now
        let latency = end - ticket.due
        worker.latencies.record(seconds: latency)
        if let kind = finished.kind {
            worker.kinds[kind, default: LatencyHistogram()].record(seconds: latency)
        }
        worker.stored += finished.stored
        worker.fetched += finished.fetched
        timeline.withLockedValue { $0.record(at: end - plan.warmUpSeconds, seconds: latency) }
        total.withLockedValue { $0.lastEnd = max($0.lastEnd, end) }
    }

    /// Makes ready for what comes after an error: requests that may go well later are kept.
    private func recover(_ error: any Error, _ worker: inout Worker) {
        noteError("\(error)")
        switch error as? RequestError {
        case .refused, nil:
            if !worker.inFlight.isEmpty { worker.inFlight.removeFirst() }
        case .temporary:
            if !worker.inFlight.isEmpty { keep([worker.inFlight.removeFirst()], &worker) }
            pause(&worker)
        case .connectionLost:
            keep(worker.inFlight, &worker)
            worker.inFlight = []
            reconnect(&worker)
        }
    }

    private func keep(_ tickets: [Pacer.Ticket], _ worker: inout Worker) {
        let now = now
        worker.again += tickets.filter { now - $0.due < Self.patienceSeconds }
    }

    private func noteError(_ text: String) {
        let time = now - plan.warmUpSeconds
        total.withLockedValue { total in
            total.errors += 1
            total.firstError = total.firstError ?? text
        }
        timeline.withLockedValue { $0.recordError(at: time) }
    }

    /// Grows from failure to failure, so that a server that is away is not flooded with connections.
    private func pause(_ worker: inout Worker) {
        let factor = Double(1 << min(worker.failuresInRow, 16))
        worker.failuresInRow += 1
        Clock.pause(seconds: min(Self.firstPauseSeconds * factor, Self.longestPauseSeconds))
    }

    private func reconnect(_ worker: inout Worker) {
        let begun = now
        while true {
            pause(&worker)
            worker.server += 1
            do {
                return try worker.session.open(plan.servers[worker.server % plan.servers.count])
            } catch {
                noteError("\(error)")
            }
            // What is open when the load ends is given up, and so is a server that stays away.
            let now = now
            let isOver = plan.pacer.end.map { now > $0 } ?? false
            if isOver || now - begun > Self.patienceSeconds { return worker.isOver = true }
        }
    }
}
