internal import Glibc
internal import NIOConcurrencyHelpers

/// Runs sessions side by side and prints what came of it.
final class Load: Sendable {
    private let options: NIOLockedValueBox<LoadOptions>
    private let latencies = NIOLockedValueBox<[Double]>([])
    private let bytes = NIOLockedValueBox(0)
    private let arrived = NIOLockedValueBox(0)
    private let failures = NIOLockedValueBox<[String]>([])

    init(_ options: LoadOptions) { self.options = NIOLockedValueBox(options) }

    func received(_ count: Int) { bytes.withLockedValue { $0 += count } }

    /// - Parameter prepare: makes a session ready and returns what it does for its n-th message.
    func run(
        _ what: String,
        _ prepare: @escaping (_ session: Int, Connection) throws -> (_ number: Int) throws -> Void
    ) throws {
        let options = options.withLockedValue { $0 }
        let servers = try options.servers()
        let cpuBefore = CPUTime.of(options.pids)
        let ready = ConditionLock(value: 0)
        let start = ConditionLock(value: false)
        let work = SendableWork(prepare)
        let threads = (0..<options.sessions).map { session in
            WorkerThread {
                let server = servers[session % servers.count]
                do {
                    let connection = try Connection(host: server.host, port: server.port)
                    let one = try work.prepare(session, connection)
                    self.arrive(ready)
                    start.lock(whenValue: true)
                    start.unlock()
                    let share =
                        options.messages / options.sessions + (session < options.messages % options.sessions ? 1 : 0)
                    var own: [Double] = []
                    own.reserveCapacity(share)
                    for number in 0..<share {
                        let begun = Self.seconds()
                        try one(number)
                        own.append(Self.seconds() - begun)
                    }
                    self.latencies.withLockedValue { $0 += own }
                } catch {
                    self.failures.withLockedValue { $0.append("\(error)") }
                    self.arrive(ready)
                }
            }
        }
        ready.lock(whenValue: options.sessions)
        ready.unlock()
        let begun = Self.seconds()
        start.lock()
        start.unlock(withValue: true)
        for thread in threads { thread.join() }
        report(what, seconds: Self.seconds() - begun, cpu: CPUTime.of(options.pids) - cpuBefore, options: options)
        let failed = failures.withLockedValue { $0 }
        if let first = failed.first { throw BenchError("\(failed.count) sessions failed, the first: \(first)") }
    }

    private func arrive(_ ready: ConditionLock<Int>) {
        let count = arrived.withLockedValue { count in
            count += 1
            return count
        }
        ready.lock()
        ready.unlock(withValue: count)
    }

    private func report(_ what: String, seconds: Double, cpu: Double, options: LoadOptions) {
        let sorted = latencies.withLockedValue { $0 }.sorted()
        guard !sorted.isEmpty else { return }
        func percentile(_ share: Double) -> String {
            format(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] * 1_000)
        }
        let received = bytes.withLockedValue { $0 }
        print("\(sorted.count) \(what) of \(options.size) bytes, \(options.sessions) sessions, \(format(seconds)) s")
        print("\(format(Double(sorted.count) / seconds)) \(what)/s")
        if received > 0 { print("\(format(Double(received) / seconds / 1_000_000)) MB/s received") }
        print("latency ms: p50 \(percentile(0.5)), p99 \(percentile(0.99)), max \(percentile(1))")
        if !options.pids.isEmpty {
            print("server CPU: \(format(cpu)) s, \(format(cpu / Double(sorted.count) * 1_000)) s per 1000 \(what)")
        }
    }

    private func format(_ value: Double) -> String {
        let digits = value >= 100 ? 1.0 : 1_000.0
        return "\((value * digits).rounded() / digits)"
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Carries the closure into the threads.
///
/// `@unchecked Sendable`: each thread calls it for its own session and connection only.
private struct SendableWork: @unchecked Sendable {
    let prepare: (_ session: Int, Connection) throws -> (_ number: Int) throws -> Void
    init(_ prepare: @escaping (_ session: Int, Connection) throws -> (_ number: Int) throws -> Void) {
        self.prepare = prepare
    }
}

/// A plain thread that can be waited for.
final class WorkerThread: Sendable {
    private let isDone = ConditionLock(value: false)

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () -> Void) {
        let isDone = isDone
        let start = Start {
            body()
            isDone.lock()
            isDone.unlock(withValue: true)
        }
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            nil,
            { raw in
                if let raw { Unmanaged<Start>.fromOpaque(raw).takeRetainedValue().body() }
                return nil
            },
            Unmanaged.passRetained(start).toOpaque()
        )
        precondition(status == 0, "the system gives no more threads")
        pthread_detach(thread)
    }

    func join() {
        isDone.lock(whenValue: true)
        isDone.unlock()
    }
}

/// CPU time of processes and all their descendants, living or waited for, from `/proc`.
enum CPUTime {
    static func of(_ pids: [Int]) -> Double {
        guard !pids.isEmpty else { return 0 }
        var parents: [Int: Int] = [:]
        var ticks: [Int: Int] = [:]
        guard let directory = opendir("/proc") else { return 0 }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = Int(name), let stat = read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else {
                continue
            }
            let fields = stat[stat.index(after: close)...].split(separator: " ")
            guard fields.count > 15 else { continue }
            parents[pid] = Int(fields[1])
            ticks[pid] = (11...14).reduce(0) { $0 + (Int(fields[$1]) ?? 0) }
        }
        func belongs(_ pid: Int) -> Bool {
            var current: Int? = pid
            while let now = current, now > 1 {
                if pids.contains(now) { return true }
                current = parents[now]
            }
            return false
        }
        let sum = ticks.filter { belongs($0.key) }.reduce(0) { $0 + $1.value }
        return Double(sum) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
