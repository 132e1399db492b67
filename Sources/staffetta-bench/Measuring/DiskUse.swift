internal import Glibc

/// What files take on disk.
enum DiskUse {
    /// The blocks of all files under a directory, in bytes; 0 where it cannot be read.
    static func bytes(under path: String) -> Int {
        var information = stat()
        guard lstat(path, &information) == 0 else { return 0 }
        let own = Int(information.st_blocks) * 512
        guard information.st_mode & S_IFMT == S_IFDIR, let directory = opendir(path) else { return own }
        defer { closedir(directory) }
        var sum = own
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { sum += bytes(under: path + "/" + name) }
        }
        return sum
    }
}
