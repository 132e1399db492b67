/// Why a request was not carried out.
enum RequestError: Error, CustomStringConvertible {
    /// There is no connection, or there is none any more: whether the server did it is not known.
    case connectionLost(String)
    /// The server says that it can be tried again.
    case temporary(String)
    /// The server will not do it.
    case refused(String)

    var description: String {
        switch self {
        case .connectionLost(let why): why
        case .temporary(let answer), .refused(let answer): "the server said: \(answer)"
        }
    }
}

/// Why a load could not go on.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
