internal import LoadModel

/// One of the sessions of a load. It is used by one thread only.
protocol LoadSession: AnyObject {
    /// How many requests may be begun before the first of them is finished.
    var window: Int { get }
    /// Connects and makes ready; what was there of a connection before is forgotten.
    func open(_ endpoint: Endpoint) throws
    /// Begins a request.
    ///
    /// - Parameter number: each request of the load has another, unless it is made again.
    func begin(_ number: Int) throws
    /// Waits for the oldest request that was begun.
    ///
    /// - Throws: ``RequestError``. After `connectionLost` the session is opened again.
    func finish() throws -> Finished
}

/// What came of a request.
struct Finished {
    /// Bytes of mail that were stored.
    var stored = 0
    /// Bytes of mail that were fetched.
    var fetched = 0
    /// Where a load has several kinds of requests: which this was.
    var kind: String?
}

/// A session that does one thing after the other.
class SteppedSession: LoadSession {
    private var number: Int?
    var window: Int { 1 }

    func open(_ endpoint: Endpoint) throws { preconditionFailure("every session opens in its own way") }

    /// Carries out a request.
    func perform(_ number: Int) throws -> Finished { preconditionFailure("every session has its own work") }

    final func begin(_ number: Int) throws { self.number = number }

    final func finish() throws -> Finished {
        guard let number else { preconditionFailure("a request is begun before it is finished") }
        return try perform(number)
    }
}
