public import NIOCore

/// One flat directory of files: all that the log needs of a file system, so that a simulator can stand in for it.
///
/// What is written survives a crash only after ``DiskFile/dataSync()``; that a file exists or is gone, only after
/// ``syncDirectory()``. A sector of 512 bytes is written as a whole or not at all.
public protocol Disk: AnyObject, Sendable {
    /// Makes a file of `bytes` zeros, with the space for them set aside.
    func create(_ name: String, bytes: Int) throws(DiskError) -> any DiskFile
    /// Opens a file for reading and writing.
    func open(_ name: String) throws(DiskError) -> any DiskFile
    /// The names of all files, sorted.
    func list() throws(DiskError) -> [String]
    /// Removes the file's name; the space is given back when the file is not open any more.
    func delete(_ name: String) throws(DiskError)
    /// Gives a file another name, in place of the file that has that name, if any.
    func rename(_ name: String, to newName: String) throws(DiskError)
    /// Makes every creation, deletion and renaming so far durable.
    func syncDirectory() throws(DiskError)
}

/// An open file; closed with the last reference. Reads may come from many threads.
public protocol DiskFile: AnyObject, Sendable {
    /// Writes the readable bytes of `pieces` one after another from `offset` on.
    func write(at offset: Int, pieces: [ByteBuffer]) throws(DiskError)
    /// Makes everything written durable. When it fails once, nothing more may be assumed of the file: never try again.
    func dataSync() throws(DiskError)
    /// Up to `count` bytes from `offset` on; fewer only where the file ends.
    func read(at offset: Int, count: Int) throws(DiskError) -> ByteBuffer
    /// The bytes of the file, with those that were set aside.
    func size() throws(DiskError) -> Int
    /// Cuts the file to `bytes`, or fills it up with zeros.
    func truncate(to bytes: Int) throws(DiskError)
}
