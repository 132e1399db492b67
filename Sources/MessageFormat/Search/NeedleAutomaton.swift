/// Finds all of many strings in one pass over a text, in time linear in the text whatever the strings are
/// (Aho and Corasick, "Efficient string matching", 1975). Takes some 21 bytes for each byte of the strings.
struct NeedleAutomaton: Sendable {
    /// A node stands for the start of a string; node 0 for the empty one. Each array has one element per node.
    private var byte: [UInt8] = [0]
    private var firstChild: [Int32] = [0]
    private var sibling: [Int32] = [0]
    /// The node of the longest proper suffix.
    private var fallback: [Int32] = [0]
    /// The node of the longest suffix that is a whole string, this node's own counted; 0 for none.
    private var match: [Int32] = [0]
    /// The string that ends here; -1 for none.
    private var string: [Int32] = [-1]
    /// Children that are not the first, by parent and byte.
    private var others: [UInt64: Int32] = [:]
    /// The children of node 0.
    private var roots = [Int32](repeating: 0, count: 256)

    /// What stands for each of the strings.
    private var terms: [[Int]] = []
    /// The only string, when there is no other.
    private var only: [UInt8]?

    var isEmpty: Bool { terms.isEmpty }
    fileprivate var nodeCount: Int { byte.count }
    fileprivate var stringCount: Int { terms.count }

    /// - Parameter strings: None of them empty, each with the number of the term that looks for it.
    init(_ strings: [(value: [UInt8], term: Int)]) {
        for (value, term) in strings {
            var node: Int32 = 0
            for byte in value { node = child(of: node, byte) ?? addChild(to: node, byte) }
            if string[Int(node)] < 0 {
                string[Int(node)] = Int32(terms.count)
                terms.append([])
            }
            terms[Int(string[Int(node)])].append(term)
        }
        if terms.count == 1 { only = strings[0].value }
        link()
    }

    private func child(of node: Int32, _ wanted: UInt8) -> Int32? {
        if node == 0 {
            let child = roots[Int(wanted)]
            return child == 0 ? nil : child
        }
        let first = firstChild[Int(node)]
        guard first != 0 else { return nil }
        if byte[Int(first)] == wanted { return first }
        guard sibling[Int(first)] != 0 else { return nil }
        return others[UInt64(node) << 8 | UInt64(wanted)]
    }

    private mutating func addChild(to node: Int32, _ value: UInt8) -> Int32 {
        let new = Int32(byte.count)
        byte.append(value)
        firstChild.append(0)
        sibling.append(0)
        fallback.append(0)
        match.append(0)
        string.append(-1)
        if node == 0 { roots[Int(value)] = new }
        let first = firstChild[Int(node)]
        if first == 0 {
            firstChild[Int(node)] = new
        } else {
            sibling[Int(new)] = sibling[Int(first)]
            sibling[Int(first)] = new
            others[UInt64(node) << 8 | UInt64(value)] = new
        }
        return new
    }

    /// Sets the links, those of shorter starts first.
    private mutating func link() {
        var queue: [Int32] = [0]
        queue.reserveCapacity(byte.count)
        var next = 0
        while next < queue.count {
            let node = queue[next]
            next += 1
            var child = firstChild[Int(node)]
            while child != 0 {
                let link = node == 0 ? 0 : step(from: fallback[Int(node)], byte[Int(child)])
                fallback[Int(child)] = link
                match[Int(child)] = string[Int(child)] >= 0 ? child : match[Int(link)]
                queue.append(child)
                child = sibling[Int(child)]
            }
        }
    }

    /// The longest start of a string that the text ends with, when one more byte comes.
    fileprivate func step(from node: Int32, _ byte: UInt8) -> Int32 {
        var node = node
        while true {
            if let child = child(of: node, byte) { return child }
            guard node != 0 else { return 0 }
            node = fallback[Int(node)]
        }
    }

    /// The first index from `start` on at which a string may begin; nil where none does. Letters count in any case.
    fileprivate func nextStart(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        if let only { return ByteScan.firstPair(only[0], only.count > 1 ? only[1] : nil, in: text, from: start) }
        var index = start
        while index < text.count {
            if roots[Int(ASCII.lower(text[index]))] != 0 { return index }
            index += 1
        }
        return nil
    }

    /// The whole string that a text at this node ends with, and the next shorter one; 0 for none.
    fileprivate func match(at node: Int32) -> Int32 { match[Int(node)] }
    fileprivate func shorterMatch(than node: Int32) -> Int32 { match[Int(fallback[Int(node)])] }
    fileprivate func terms(at node: Int32) -> [Int] { terms[Int(string[Int(node)])] }
}

/// Where an automaton is in one message's texts, and what it has found there.
struct NeedleMatcher {
    private let automaton: NeedleAutomaton
    private var node: Int32 = 0
    /// The nodes whose strings were found, with all shorter ones: nothing is told twice, so that telling takes no
    /// longer than building the automaton did.
    private var isTold: [Bool] = []
    private var left: Int

    init(_ automaton: NeedleAutomaton) {
        self.automaton = automaton
        left = automaton.stringCount
    }

    /// Whether something is still to be found.
    var isOpen: Bool { left > 0 }

    /// Forgets the end of the text so far: another one begins.
    mutating func startText() { node = 0 }

    /// Forgets all that was found: another message begins.
    mutating func startMessage() {
        node = 0
        left = automaton.stringCount
        isTold.removeAll(keepingCapacity: true)
    }

    /// Looks for nothing any more.
    mutating func stop() { left = 0 }

    /// Takes the next bytes of a text.
    /// - Parameter found: Set for every term whose string ends in them.
    mutating func feed(_ text: [UInt8], _ found: inout [Bool]) {
        guard isOpen, !text.isEmpty else { return }
        text.withUnsafeBytes { feedBytes($0, &found) }
    }

    /// Takes the next bytes of a text; letters of ASCII need not be folded.
    mutating func feedBytes(_ text: UnsafeRawBufferPointer, _ found: inout [Bool]) {
        guard isOpen else { return }
        var index = 0
        while index < text.count {
            if node == 0 {
                guard let start = automaton.nextStart(in: text, from: index) else { return }
                index = start
            }
            node = automaton.step(from: node, ASCII.lower(text[index]))
            index += 1
            var match = automaton.match(at: node)
            guard match != 0 else { continue }
            if isTold.isEmpty { isTold = [Bool](repeating: false, count: automaton.nodeCount) }
            while match != 0, !isTold[Int(match)] {
                isTold[Int(match)] = true
                left -= 1
                for term in automaton.terms(at: match) { found[term] = true }
                match = automaton.shorterMatch(than: match)
            }
            guard isOpen else { return }
        }
    }

    /// Looks through a text of its own; the one under way goes on behind it.
    mutating func search(_ text: [UInt8], _ found: inout [Bool]) {
        guard isOpen, !text.isEmpty else { return }
        let before = node
        node = 0
        feed(text, &found)
        node = before
    }
}
