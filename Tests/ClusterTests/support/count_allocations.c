/* Preloaded into a node: counts what it asks of the allocator, in a file that others map as well.
 *
 * ALLOCATION_COUNTS names the file, which holds two numbers of 64 bits: the calls, and the bytes that were asked for.
 * A call is one of malloc, calloc, realloc, reallocarray, memalign, aligned_alloc, posix_memalign, valloc and pvalloc:
 * what C++ and Swift allocate comes down to these. What is given back is not counted, nor what goes past them (mmap).
 *
 * The allocator is glibc's. Its own names for the calls are used: dlsym, which would find the next ones, allocates.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void *__libc_valloc(size_t size);
extern void *__libc_pvalloc(size_t size);

struct counts {
    _Atomic uint64_t calls, bytes;
};

/* Takes what is counted until the file is mapped, and all of it when there is none. */
static struct counts without_file;
static struct counts *_Atomic counts = &without_file;

static void count(size_t size)
{
    struct counts *current = atomic_load_explicit(&counts, memory_order_relaxed);
    atomic_fetch_add_explicit(&current->calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&current->bytes, size, memory_order_relaxed);
}

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("ALLOCATION_COUNTS");
    if (!path)
        return;
    /* A counter that counts into nothing would be taken for one that finds nothing: better no node at all. */
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        abort();
    void *mapped = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED)
        abort();
    atomic_store_explicit(&counts, (struct counts *)mapped, memory_order_relaxed);
    /* The test traces the node from a process that is not its parent, which Yama allows to those that are named. The
     * call fails where there is no Yama, and is not needed there. */
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

void *malloc(size_t size)
{
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count(number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    count(size);
    return __libc_realloc(block, size);
}

void *reallocarray(void *block, size_t number, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(number, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, total);
}

void *memalign(size_t alignment, size_t size)
{
    count(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **place, size_t alignment, size_t size)
{
    if (alignment == 0 || alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    int before = errno;
    void *block = memalign(alignment, size);
    if (!block) {
        errno = before;
        return ENOMEM;
    }
    *place = block;
    return 0;
}

void *valloc(size_t size)
{
    count(size);
    return __libc_valloc(size);
}

void *pvalloc(size_t size)
{
    count(size);
    return __libc_pvalloc(size);
}
