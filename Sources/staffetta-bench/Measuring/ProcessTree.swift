internal import Glibc
internal import LoadModel

/// What processes and all their descendants have used, living or waited for, from `/proc`.
struct ProcessTree {
    private let roots: Set<Int>

    init(_ roots: [Int]) { self.roots = Set(roots) }

    /// At one moment.
    struct Use {
        var cpuSeconds = 0.0
        /// What the file systems were given to write; nil where one of the processes does not let it be read.
        var writtenBytes: Int? = 0
    }

    /// Memory at one moment.
    struct Memory {
        /// Pages that are shared count in each process.
        var residentBytes = 0
        /// Pages that are shared are divided among their processes; nil where it cannot be read.
        var proportionalBytes: Int? = 0
    }

    var use: Use {
        var use = Use()
        var ticks = 0
        for process in processes {
            ticks += process.ticks
            let written = Self.field("write_bytes:", in: "/proc/\(process.pid)/io")
            // A process may have ended meanwhile.
            if written == nil, access("/proc/\(process.pid)", F_OK) != 0 { continue }
            use.writtenBytes = use.writtenBytes.flatMap { sum in written.map { sum + $0 } }
        }
        use.cpuSeconds = Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
        return use
    }

    var memory: Memory {
        var memory = Memory()
        for process in processes {
            memory.residentBytes += 1_024 * (Self.field("VmRSS:", in: "/proc/\(process.pid)/status") ?? 0)
            let proportional = Self.field("Pss:", in: "/proc/\(process.pid)/smaps_rollup")
            if proportional == nil, access("/proc/\(process.pid)", F_OK) != 0 { continue }
            memory.proportionalBytes = memory.proportionalBytes.flatMap { sum in proportional.map { sum + 1_024 * $0 } }
        }
        return memory
    }

    /// - Returns: what was used since then; nil where no processes are looked at.
    func usage(since before: Use) -> LoadReport.ServerUsage? {
        guard !roots.isEmpty else { return nil }
        let now = use
        let written = now.writtenBytes.flatMap { now in before.writtenBytes.map { max(0, now - $0) } }
        return LoadReport.ServerUsage(cpuSeconds: now.cpuSeconds - before.cpuSeconds, writtenBytes: written)
    }

    private struct Process {
        let pid: Int
        let parent: Int
        /// Processor time with that of children that were waited for.
        let ticks: Int
    }

    private var processes: [Process] {
        guard !roots.isEmpty, let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var all: [Int: Process] = [:]
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = Int(name), let stat = Self.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")")
            else { continue }
            let fields = stat[stat.index(after: close)...].split(separator: " ")
            guard fields.count > 15, let parent = Int(fields[1]) else { continue }
            let ticks = (11...14).reduce(0) { $0 + (Int(fields[$1]) ?? 0) }
            all[pid] = Process(pid: pid, parent: parent, ticks: ticks)
        }
        func belongs(_ pid: Int) -> Bool {
            var current = pid
            while current > 1 {
                if roots.contains(current) { return true }
                current = all[current]?.parent ?? 0
            }
            return false
        }
        return all.values.filter { belongs($0.pid) }
    }

    /// The number behind a word at the beginning of a line.
    private static func field(_ name: String, in path: String) -> Int? {
        read(path)?.split(separator: "\n").first { $0.hasPrefix(name) }?.split { $0 == " " || $0 == "\t" }
            .dropFirst().first.flatMap { Int($0) }
    }

    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
