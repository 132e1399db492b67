#include <errno.h>
#include <semaphore.h>
#include <time.h>

// glibc has it from 2.30 on, and shows it to those only who define _GNU_SOURCE before the first header of all.
extern int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *deadline);

/// Waits until the semaphore is above zero and takes one off it, for so many nanoseconds at most by a clock that is never
/// set. Returns whether it took one.
static inline int staffetta_semaphore_wait(sem_t *semaphore, long long nanoseconds) {
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    nanoseconds += deadline.tv_nsec;
    deadline.tv_sec += nanoseconds / 1000000000;
    deadline.tv_nsec = nanoseconds % 1000000000;
    for (;;) {
        if (sem_clockwait(semaphore, CLOCK_MONOTONIC, &deadline) == 0) return 1;
        if (errno != EINTR) return 0;
    }
}
