internal import MailModel

/// What tells nodes apart for the spread of a rule. Nodes that the rule cannot tell apart have the same *shape*: the
/// same values of the spread keys and the same labels on probation.
struct ShapeTable: Sendable {
    private struct Shape: Hashable {
        /// For each spread key the number of its value, or -1 where the nodes lack the label.
        let values: [Int]
        /// A bit for each canary of the rule whose label the nodes have.
        let canaries: UInt64
    }

    private let keys: Int
    /// The values of shape s are at `s * keys ..< (s + 1) * keys`.
    private var values: [Int] = []
    private var canaries: [UInt64] = []
    private var valueNumbers: [[String: Int]]
    private var shapeNumbers: [Shape: Int] = [:]

    init(keys: Int) {
        self.keys = keys
        valueNumbers = Array(repeating: [:], count: keys)
    }

    var count: Int { canaries.count }

    /// The number of the shape of a node with these values of the spread keys, which is made where it is new.
    mutating func number(of labels: [String?], canaries mask: UInt64) -> Int {
        var numbers: [Int] = []
        for (key, label) in labels.enumerated() {
            let number = label.map { valueNumbers[key][$0] ?? valueNumbers[key].count }
            if let label, let number { valueNumbers[key][label] = number }
            numbers.append(number ?? -1)
        }
        let shape = Shape(values: numbers, canaries: mask)
        if let known = shapeNumbers[shape] { return known }
        shapeNumbers[shape] = count
        values += numbers
        canaries.append(mask)
        return count - 1
    }

    /// What no set of voters measures less than, by what each key allows by itself. Keys together may allow less.
    ///
    /// - Parameter room: For each shape, the nodes that there are.
    func bound(room: [Int], voters: Int) -> SpreadMeasure {
        var bound = SpreadMeasure()
        for key in 0..<keys {
            var nodes = Array(repeating: 0, count: valueNumbers[key].count)
            var shared = Array(repeating: UInt64.max, count: nodes.count)
            var single = 0
            for shape in 0..<count where room[shape] > 0 {
                let value = values[shape * keys + key]
                guard value >= 0 else {
                    single += room[shape]
                    continue
                }
                nodes[value] += room[shape]
                shared[value] &= canaries[shape]
            }
            // A label on probation that all nodes of a value have allows one of them.
            for value in nodes.indices where shared[value] != 0 { nodes[value] = min(nodes[value], 1) }
            let usable = nodes + Array(repeating: 1, count: min(single, voters))
            bound.setLargest(ValueCount.leastLargest(of: usable, for: voters), ofKey: key, voters: voters)
        }
        return bound
    }

    func isCanary(shape: Int) -> Bool { canaries[shape] != 0 }

    /// Whether both shapes have the same label on probation.
    func sharesCanary(_ a: Int, _ b: Int) -> Bool { canaries[a] & canaries[b] != 0 }

    /// The measure of voters with these shapes, no two of them on the same node.
    ///
    /// - Parameter voters: How many voters a majority is counted of: more than there are shapes, while a set grows.
    func measure(_ shapes: [Int], voters: Int) -> SpreadMeasure {
        var measure = SpreadMeasure()
        for key in 0..<keys {
            measure.setLargest(largest(ofKey: key, shapes), ofKey: key, voters: voters)
        }
        measure.canaryExcess = canaryExcess(shapes)
        return measure
    }

    /// What the measure of voters becomes with one more, who has no label on probation that another voter has.
    ///
    /// - Parameters:
    ///   - measure: The measure of `shapes`.
    ///   - shape: The shape that is added.
    ///   - voters: How many voters a majority is counted of.
    func extend(_ measure: SpreadMeasure, of shapes: [Int], adding shape: Int, voters: Int) -> SpreadMeasure {
        var measure = measure
        for key in 0..<keys {
            let value = values[shape * keys + key]
            var count = 1
            if value >= 0 {
                for other in shapes where values[other * keys + key] == value { count += 1 }
            }
            if count > measure.largest(ofKey: key) { measure.setLargest(count, ofKey: key, voters: voters) }
        }
        return measure
    }

    private func largest(ofKey key: Int, _ shapes: [Int]) -> Int {
        var largest = shapes.isEmpty ? 0 : 1
        for first in shapes.indices {
            let value = values[shapes[first] * keys + key]
            guard value >= 0 else { continue }
            var count = 1
            for other in (first + 1)..<max(shapes.count, first + 1) where values[shapes[other] * keys + key] == value {
                count += 1
            }
            largest = max(largest, count)
        }
        return largest
    }

    private func canaryExcess(_ shapes: [Int]) -> Int {
        var seen: UInt64 = 0
        var excess = 0
        for shape in shapes {
            excess += (seen & canaries[shape]).nonzeroBitCount
            seen |= canaries[shape]
        }
        return excess
    }

    /// For each key in order, the sum of the squares of the voters of its values, eight bits each: smaller is more
    /// even.
    func unevenness(_ shapes: [Int]) -> UInt64 {
        var packed: UInt64 = 0
        for key in 0..<keys {
            var squares = 0
            for first in shapes {
                let value = values[first * keys + key]
                squares += value < 0 ? 1 : shapes.count { values[$0 * keys + key] == value }
            }
            packed = packed << 8 | UInt64(min(squares, 255))
        }
        return packed
    }
}
