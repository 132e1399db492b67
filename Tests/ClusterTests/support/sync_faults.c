/* Preloaded into a node: fsync and fdatasync fail, hang or take long as the file says that SYNC_FAULTS names.
 *
 * The file holds one word, and perhaps part of a path, to which the fault is then limited:
 *   fail [part]  one sync fails with EIO: that of whoever removes the file first
 *   hang [part]  syncs wait until the file is removed
 *   slow [part]  each sync takes a second more
 * Without the file, and without the variable, everything is as it was.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_call)(int);

/* Whether the file descriptor is for a path with that part in it. */
static int concerns(int descriptor, const char *part)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0)
        return 0;
    path[count] = 0;
    return strstr(path, part) != NULL;
}

/* Waits, or says that this sync is to fail. */
static int fault(int descriptor)
{
    const char *control = getenv("SYNC_FAULTS");
    if (!control)
        return 0;
    int file = open(control, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    char text[256];
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0)
        return 0;
    text[count] = 0;
    char kind[16] = "", part[200] = "";
    if (sscanf(text, "%15s %199s", kind, part) < 1 || (part[0] && !concerns(descriptor, part)))
        return 0;
    if (strcmp(kind, "fail") == 0)
        return unlink(control) == 0;
    if (strcmp(kind, "hang") == 0) {
        struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
        while (access(control, F_OK) == 0)
            nanosleep(&pause, NULL);
    }
    if (strcmp(kind, "slow") == 0) {
        struct timespec second = {.tv_sec = 1};
        nanosleep(&second, NULL);
    }
    return 0;
}

static int call(const char *name, int descriptor)
{
    sync_call next = (sync_call)dlsym(RTLD_NEXT, name);
    if (fault(descriptor)) {
        errno = EIO;
        return -1;
    }
    return next(descriptor);
}

int fsync(int descriptor) { return call("fsync", descriptor); }
int fdatasync(int descriptor) { return call("fdatasync", descriptor); }
