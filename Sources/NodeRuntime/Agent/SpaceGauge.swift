internal import Glibc

/// How large a disk is, and how much of it is free.
package struct DiskSpace: Hashable, Sendable {
    /// Bytes that may still be written.
    package let freeBytes: Int
    /// Bytes of the whole file system.
    package let capacityBytes: Int

    package init(freeBytes: Int, capacityBytes: Int) {
        self.freeBytes = freeBytes
        self.capacityBytes = capacityBytes
    }
}

/// Tells how much room the disk has.
package protocol SpaceGauge: Sendable {
    /// Nil where that cannot be told.
    func space() -> DiskSpace?
}

/// The file system that a path is on.
struct FileSystemGauge: SpaceGauge {
    let path: String

    func space() -> DiskSpace? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        func bytes(_ blocks: some BinaryInteger) -> Int {
            Int(clamping: UInt64(blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
        }
        return DiskSpace(freeBytes: bytes(status.f_bavail), capacityBytes: bytes(status.f_blocks))
    }
}
