#if defined(__linux__)
#include <malloc.h>
#endif

/// Gives blocks from this size up a mapping of their own, for good. Other allocators than glibc's go on as they do.
static inline void staffetta_map_blocks_from(int bytes) {
#if defined(M_MMAP_THRESHOLD)
    mallopt(M_MMAP_THRESHOLD, bytes);
#else
    (void)bytes;
#endif
}
