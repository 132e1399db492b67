internal import Glibc
internal import NIOCore

/// What an error means to an operator: the system's own words where it comes from a system call.
public func plainReason(_ error: any Error) -> String {
    guard let error = error as? IOError else { return "\(error)" }
    return String(cString: strerror(error.errnoCode))
}
