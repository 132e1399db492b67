internal import MailModel

/// The answers of one session that it may still ask for again, by sequence: most come at the end and go at the front.
struct AnswerList {
    struct Answer {
        let timestamp: Timestamp
        let outcome: MailOutcome
    }

    private struct Entry {
        let sequence: UInt64
        /// Nil where the answer is gone.
        var answer: Answer?
    }

    /// Rising sequences; those before `head` are gone, and `entries[head]` is there where any is.
    private var entries: [Entry] = []
    private var head = 0

    var isEmpty: Bool { head == entries.count }

    subscript(sequence: UInt64) -> Answer? {
        let index = position(of: sequence)
        return index < entries.count && entries[index].sequence == sequence ? entries[index].answer : nil
    }

    mutating func insert(_ answer: Answer, at sequence: UInt64) {
        let entry = Entry(sequence: sequence, answer: answer)
        let index = position(of: sequence)
        if index < entries.count, entries[index].sequence == sequence {
            entries[index] = entry
        } else {
            entries.insert(entry, at: index)
        }
    }

    /// Removes answers below a sequence, the lowest first.
    ///
    /// - Returns: their sequences.
    mutating func removeSettled(below end: UInt64, atMost limit: Int) -> [UInt64] {
        remove(atMost: limit) { sequence, _ in sequence < end ? true : nil }
    }

    /// Removes answers given before a time, the lowest first.
    ///
    /// - Returns: their sequences.
    mutating func removeOlder(than end: Timestamp, atMost limit: Int) -> [UInt64] {
        remove(atMost: limit) { _, answer in answer.timestamp < end }
    }

    /// - Parameter isDue: nil ends the search.
    private mutating func remove(atMost limit: Int, _ isDue: (UInt64, Answer) -> Bool?) -> [UInt64] {
        var removed: [UInt64] = []
        var index = head
        while index < entries.count, removed.count < limit {
            if let answer = entries[index].answer {
                guard let isDue = isDue(entries[index].sequence, answer) else { break }
                if isDue {
                    removed.append(entries[index].sequence)
                    entries[index].answer = nil
                }
            }
            index += 1
        }
        while head < entries.count, entries[head].answer == nil { head += 1 }
        // The list moves only when as many answers are gone as are left, so that each removal costs a constant time.
        if head >= entries.count - head {
            entries.removeFirst(head)
            head = 0
        }
        return removed
    }

    /// The first index from the head on whose sequence is not lower.
    private func position(of sequence: UInt64) -> Int {
        if let last = entries.last, last.sequence < sequence { return entries.count }
        var (low, high) = (head, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
