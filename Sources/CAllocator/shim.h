#include <stddef.h>
#include <stdlib.h>
#if defined(__linux__)
#include <malloc.h>
#endif

/// Gives blocks from this size up a mapping of their own, for good. Returns whether the allocator does as it was told.
static inline int staffetta_map_blocks_from(int bytes) {
#if defined(M_MMAP_THRESHOLD)
    return mallopt(M_MMAP_THRESHOLD, bytes);
#else
    (void)bytes;
    return 0;
#endif
}
