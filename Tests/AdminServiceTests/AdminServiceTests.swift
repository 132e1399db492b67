import GRPCCore
import NodeRuntime
import Testing

@testable import AdminService

@Suite struct PagingTests {
    @Test(
        arguments: [(0, 100), (1, 1), (100, 100), (1_000, 1_000), (1_001, 1_000), (Int32.max, 1_000)] as [(Int32, Int)]
    )
    func sizes(_ requested: Int32, _ size: Int) throws { #expect(try Paging.size(requested) == size) }

    @Test(arguments: [-1, .min] as [Int32])
    func negativeSizes(_ requested: Int32) {
        let error = #expect(throws: RPCError.self) { try Paging.size(requested) }
        #expect(error?.code == .invalidArgument)
        #expect(throws: RPCError.self) { try Paging.page([1 as UInt64], after: "", size: requested) { $0 } }
    }

    /// Page after page gives every item once, in order, and then says that there is no more.
    @Test(arguments: 0...7, 1...8 as ClosedRange<Int32>)
    func allPages(_ count: Int, _ size: Int32) throws {
        let items = (0..<count).map { UInt64($0 * 3) }
        var seen: [UInt64] = []
        var token = ""
        var pages = 0
        repeat {
            let page = try Paging.page(items, after: token, size: size) { $0 }
            #expect(page.items.count <= Int(size))
            seen += page.items
            token = page.next
            pages += 1
        } while !token.isEmpty && pages < 100
        #expect(seen == items)
        #expect(pages == max(1, (count + Int(size) - 1) / Int(size)))
    }

    /// What the token names may be gone by now; what is behind it is still next.
    @Test func theLastItemShownIsGone() throws {
        let page = try Paging.page([1, 5, 9] as [UInt64], after: "4", size: 1) { $0 }
        #expect(page.items == [5])
        #expect(page.next == "5")
        #expect(try Paging.page([1, 5, 9] as [UInt64], after: "9", size: 1) { $0 }.items.isEmpty)
        #expect(try Paging.page([1, 5, 9] as [UInt64], after: "9", size: 1) { $0 }.next == "")
    }

    @Test(arguments: ["x", "-1", " 1", "18446744073709551616"])
    func badTokens(_ token: String) {
        let error = #expect(throws: RPCError.self) { try Paging.page([1 as UInt64], after: token, size: 1) { $0 } }
        #expect(error?.code == .invalidArgument)
    }
}

@Suite struct StatusTests {
    @Test(arguments: [
        (AdministrationError.Code.notFound, RPCError.Code.notFound), (.alreadyExists, .alreadyExists),
        (.invalidArgument, .invalidArgument), (.failedPrecondition, .failedPrecondition), (.unavailable, .unavailable),
    ])
    func everyErrorHasItsStatus(_ code: AdministrationError.Code, _ status: RPCError.Code) async {
        let error = await #expect(throws: RPCError.self) {
            try await answering { () throws(AdministrationError) -> Int in
                throw AdministrationError(code, "what to do about it")
            }
        }
        #expect(error?.code == status)
        #expect(error?.message == "what to do about it")
    }

    @Test func whatWorksIsAnswered() async throws {
        let value = try await answering { () throws(AdministrationError) -> Int in 7 }
        #expect(value == 7)
    }
}

@Suite struct HousekeepingProblemTests {
    @Test(arguments: [0, 1, 3_600] as [Int64])
    func aGroupThatCatchesUpIsNoProblem(_ seconds: Int64) {
        #expect(HousekeepingProblem.sentence(3, backlogSeconds: seconds) == nil)
    }

    @Test(arguments: [(3_601, "1 h 0 min"), (7_385, "2 h 3 min"), (864_000, "240 h 0 min")] as [(Int64, String)])
    func aGroupThatIsBehindForMoreThanAnHourIsToldOf(_ seconds: Int64, _ time: String) {
        #expect(
            HousekeepingProblem.sentence(3, backlogSeconds: seconds) == "group 3: housekeeping is \(time) behind"
        )
    }
}
