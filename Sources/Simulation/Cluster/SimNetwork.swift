/// The links between nodes, each way for itself, and what goes wrong on them.
struct SimNetwork {
    struct Link {
        /// Nothing passes before this time.
        var cutUntil: Int64 = 0
        /// Slow until this time, by this much.
        var slowUntil: Int64 = 0
        var extraDelay: Int64 = 0
        /// When the newest batch under way arrives: a link that keeps order does not deliver before it.
        var lastArrival: Int64 = 0
    }

    /// What is the case for all links of a run.
    struct Weather {
        var lossPerMillion = 0
        var duplicatesPerMillion = 0
        var reorderPerMillion = 0
        var spikesPerMillion = 0
        var baseDelay: Int64 = 200
        var jitter: Int64 = 400
    }

    var weather = Weather()
    private var links: [Link]
    private let count: Int
    private var random: SimRandom

    init(nodes: Int, random: SimRandom) {
        count = nodes
        links = Array(repeating: Link(), count: nodes * nodes)
        self.random = random
    }

    subscript(from: Int, to: Int) -> Link {
        get { links[from * count + to] }
        set { links[from * count + to] = newValue }
    }

    func isCut(_ from: Int, _ to: Int, at now: Int64) -> Bool { self[from, to].cutUntil > now }

    mutating func healAll() {
        links = Array(repeating: Link(), count: count * count)
        weather = Weather()
    }

    /// When the copies of a batch arrive: none when it is lost.
    mutating func arrivals(_ from: Int, _ to: Int, at now: Int64) -> [Int64] {
        guard !isCut(from, to, at: now), !random.chance(perMillion: weather.lossPerMillion) else { return [] }
        var arrivals = [arrival(from: from, to: to, now: now)]
        if random.chance(perMillion: weather.duplicatesPerMillion) {
            arrivals.append(arrivals[0] + random.time(100...3_000_000))
        }
        return arrivals
    }

    private mutating func arrival(from: Int, to: Int, now: Int64) -> Int64 {
        let link = self[from, to]
        var time = now + weather.baseDelay + random.between(0...weather.jitter)
        if link.slowUntil > now { time += random.between(0...link.extraDelay) }
        if random.chance(perMillion: weather.spikesPerMillion) { time += random.time(1_000...2_000_000) }
        if random.chance(perMillion: weather.reorderPerMillion) { return time + random.time(100...500_000) }
        time = max(time, link.lastArrival)
        self[from, to].lastArrival = time
        return time
    }
}
