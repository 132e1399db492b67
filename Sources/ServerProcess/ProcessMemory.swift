internal import CAllocator
internal import Glibc

/// How this process uses the allocator of the C library.
public enum ProcessMemory {
    /// The smallest block that goes back to the system when it is freed: larger than what short mail needs.
    private static let mappedBlockBytes: Int32 = 256 << 10

    /// Makes glibc give large blocks back when they are freed; to be called first.
    ///
    /// On its own it keeps blocks of up to 32 MiB for later once one of that size was freed, in one arena for each
    /// thread: a node that had 31 MiB in use held 220. Where `MALLOC_MMAP_THRESHOLD_` is set, the operator has decided
    /// otherwise.
    public static func giveLargeBlocksBack() {
        guard getenv("MALLOC_MMAP_THRESHOLD_") == nil else { return }
        staffetta_map_blocks_from(mappedBlockBytes)
    }
}
