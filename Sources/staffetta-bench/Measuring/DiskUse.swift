internal import Glibc

/// What files take on disk.
enum DiskUse {
    /// The lengths of all files under a directory, in bytes; 0 where it cannot be read.
    static func bytes(under path: String) -> Int {
        guard let directory = opendir(path) else { return length(of: path) }
        defer { closedir(directory) }
        var sum = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { sum += bytes(under: path + "/" + name) }
        }
        return sum
    }

    private static func length(of path: String) -> Int {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        return max(0, Int(lseek(descriptor, 0, SEEK_END)))
    }
}
