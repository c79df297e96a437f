/* A disk that can be cut off: what a process writes to its database goes to a journal too, with every sync, so that
 * the state after a power cut at any moment can be made from it: what was synced, and of the rest what chance leaves.
 *
 * Preloaded into the server under test. DISK_JOURNAL: where the journal goes. DISK_LIES=1: syncs are not noted, as on
 * a disk that says "done" too early. DISK_FAULT=sync|write:ERRNO:FROM:COUNT: those calls fail.
 * A record: kind, file, 2 bytes of padding, length, offset, seconds of the monotonic clock; then the bytes of a write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct record {
    uint8_t kind, file, padding[2];
    uint32_t length;
    uint64_t offset;
    double at;
};

enum { WRITE = 1, SYNC = 2, CUT = 3 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -2, lies;
static char fault_kind[8];
static long fault_errno, fault_from, fault_count, syncs, writes;

static void begin(void) {
    const char *path = getenv("DISK_JOURNAL"), *fault = getenv("DISK_FAULT");
    journal = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    lies = getenv("DISK_LIES") != NULL;
    if (fault) sscanf(fault, "%7[a-z]:%ld:%ld:%ld", fault_kind, &fault_errno, &fault_from, &fault_count);
}

/* 0: the database, 1: its log, -1: another file. */
static int file_of(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return -1;
    path[n] = 0;
    if (n > 9 && !strcmp(path + n - 9, "sesame.db")) return 0;
    if (n > 13 && !strcmp(path + n - 13, "sesame.db-wal")) return 1;
    return -1;
}

static void note(int kind, int file, uint64_t offset, const void *data, uint32_t length) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct record r = {kind, file, {0}, length, offset, now.tv_sec + now.tv_nsec / 1e9};
    if (journal < 0) return;
    if (write(journal, &r, sizeof r) != sizeof r || (length && write(journal, data, length) != (ssize_t)length)) abort();
}

/* Whether this call is one of those that fail; with the lock held. */
static int fails(const char *kind, long *count) {
    long n = ++*count;
    if (strcmp(kind, fault_kind) || n < fault_from || n >= fault_from + fault_count) return 0;
    errno = fault_errno;
    return 1;
}

static ssize_t write_at(int fd, const void *data, size_t length, off_t offset) {
    int file = file_of(fd);
    if (file < 0) return syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&lock);
    if (journal == -2) begin();
    ssize_t done = -1;
    if (!fails("write", &writes)) {
        done = syscall(SYS_pwrite64, fd, data, length, offset);
        if (done > 0) note(WRITE, file, offset, data, done);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset); }

static int sync_file(int fd) {
    int file = file_of(fd);
    if (file < 0) return 0; /* what the harness does not look at needs no disk */
    pthread_mutex_lock(&lock);
    if (journal == -2) begin();
    int failed = fails("sync", &syncs);
    if (!failed && !lies) note(SYNC, file, 0, NULL, 0);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return failed ? -1 : 0;
}

int fsync(int fd) { return sync_file(fd); }
int fdatasync(int fd) { return sync_file(fd); }

static int cut_to(int fd, off_t size) {
    int file = file_of(fd);
    pthread_mutex_lock(&lock);
    if (journal == -2) begin();
    int done = syscall(SYS_ftruncate, fd, size), error = errno;
    if (!done && file >= 0) note(CUT, file, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate(int fd, off_t size) { return cut_to(fd, size); }
int ftruncate64(int fd, off_t size) { return cut_to(fd, size); }
