import LoadModel
import Testing

@Suite("Endpoints") struct EndpointTests {
    @Test(arguments: [
        ("127.0.0.1:143", Endpoint(host: "127.0.0.1", port: 143)),
        ("mail.example.org:24", .init(host: "mail.example.org", port: 24)),
        ("[::1]:143", .init(host: "::1", port: 143)), ("::1:143", nil), ("localhost", nil), (":143", nil),
        ("a:70000", nil), ("", nil),
    ])
    func reading(_ text: String, _ expected: Endpoint?) {
        #expect(Endpoint(text) == expected)
        if let expected { #expect(expected.description == text) }
    }

    @Test("Of a list, all are good or none")
    func lists() {
        #expect(Endpoint.list("a:1,b:2")?.map(\.port) == [1, 2])
        #expect(Endpoint.list("a:1,") == nil)
        #expect(Endpoint.list("") == nil)
    }
}
