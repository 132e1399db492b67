internal import Glibc

/// Tells how much room the disk has.
package protocol SpaceGauge: Sendable {
    /// Bytes that may still be written; nil where that cannot be told.
    func freeBytes() -> Int?
}

/// The file system that a path is on.
struct FileSystemGauge: SpaceGauge {
    let path: String

    func freeBytes() -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
        )
    }
}
