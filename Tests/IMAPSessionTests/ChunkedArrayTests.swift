import Testing

@testable import IMAPSession

/// An array in pieces is an array.
@Suite struct ChunkedArrayTests {
    private static let sizes = [0, 1, 4_095, 4_096, 4_097, 8_192, 10_000]

    private func array(_ count: Int) -> ChunkedArray<Int> {
        var array = ChunkedArray<Int>()
        for number in 0..<count { array.append(number) }
        return array
    }

    @Test(arguments: sizes)
    func `it has what was added`(_ count: Int) {
        let array = array(count)
        #expect(array.count == count && array.elementsEqual(0..<count))
        #expect(array.last == (count > 0 ? count - 1 : nil))
    }

    @Test(arguments: sizes, sizes)
    func `it is cut anywhere, and goes on there`(_ count: Int, _ newCount: Int) {
        guard newCount <= count else { return }
        var cut = array(count)
        cut.truncate(to: newCount)
        #expect(cut == array(newCount))
        cut.append(newCount)
        #expect(cut == array(newCount + 1))
    }

    @Test func `copies do not change each other`() {
        let first = array(10_000)
        var second = first
        second[5_000] = -1
        second.append(-2)
        #expect(first == array(10_000))
        #expect(second[5_000] == -1 && second[4_999] == 4_999 && second.last == -2 && second.count == 10_001)
    }
}
