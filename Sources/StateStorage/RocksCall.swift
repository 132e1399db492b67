internal import CRocksDB

/// Calls RocksDB and turns the message it leaves behind into an error.
@safe func rocksCall<Result>(
    path: String,
    _ call: (inout UnsafeMutablePointer<CChar>?) -> Result
) throws(StateError) -> Result {
    var message: UnsafeMutablePointer<CChar>? = nil
    let result = unsafe call(&message)
    if let message = unsafe message {
        let error = unsafe StateError(rocksMessage: String(cString: message), path: path)
        unsafe rocksdb_free(message)
        throw error
    }
    return result
}

extension StateError {
    /// Classifies what RocksDB's `Status::ToString()` says.
    init(rocksMessage message: String, path: String) {
        let kind: Kind =
            if message.has("does not exist (create_if_missing") {
                .notFound
            } else if message.has("exists (error_if_exists") {
                .alreadyExists
            } else if message.has("not linked") || message.hasPrefix("Not implemented") {
                .unsupported
            } else if message.has("No space left") || message.has("NoSpace") {
                .noSpace
            } else if message.hasPrefix("IO error: While lock file") || message.has("lock hold by current process") {
                .inUse
            } else if message.hasPrefix("Corruption") {
                .corruption
            } else if message.hasPrefix("IO error") {
                .inputOutput
            } else {
                .other
            }
        self.init(kind: kind, message: message, path: path)
    }
}

extension String {
    fileprivate func has(_ part: String) -> Bool { contains(part) }
}

extension Span<UInt8> {
    /// Lends the bytes as C wants them.
    @safe func withChars<Result, Failure: Error>(
        _ body: (UnsafePointer<CChar>?, Int) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeBytes { bytes throws(Failure) in
            try unsafe body(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
    }
}

/// Lends bytes that RocksDB owns, for as long as `body` runs.
func lendBytes<Result>(
    from start: UnsafePointer<CChar>?,
    count: Int,
    _ body: (Span<UInt8>) throws -> Result
) rethrows -> Result {
    let raw = unsafe UnsafeRawBufferPointer(start: start, count: count)
    let bytes = unsafe raw.assumingMemoryBound(to: UInt8.self)
    return try body(unsafe bytes.span)
}
