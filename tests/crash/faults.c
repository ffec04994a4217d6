/*
 * Loaded into the server (LD_PRELOAD): lets calls on the files of the book fail while a test wants them to.
 *
 * FAULTS names a folder. While it has a file called like one of the calls below, that call fails with the errno
 * that the file holds. A disk is told by its files, so only what lies in the folder BOOK is concerned.
 *
 *   grow   a write beyond the end of its file, as on a full disk: what is allocated can be written again
 *   write  any write
 *   sync   fsync and fdatasync, without the bytes reaching anything
 *   move   fsync and fdatasync of the database file, into which the write-ahead log is moved
 *   open   opening to write, or making a file
 *   read   any read
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(type, name, ...)                                   \
    static type (*real)(__VA_ARGS__);                           \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* The errno with which this call is to fail; 0: it is not. By system calls of its own, not through those below. */
static int fault(const char *call) {
    const char *faults = getenv("FAULTS");
    char path[PATH_MAX], digits[8] = "";
    if (!faults) return 0;
    snprintf(path, sizeof path, "%s/%s", faults, call);
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    if (file < 0) return 0;
    long length = syscall(SYS_read, file, digits, sizeof digits - 1);
    syscall(SYS_close, file);
    return length > 0 ? atoi(digits) : 0;
}

static int in_book(const char *path) {
    const char *book = getenv("BOOK");
    return book && strncmp(path, book, strlen(book)) == 0;
}

static int path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (length >= 0) path[length] = 0;
    return length >= 0;
}

static int of_book(int fd) {
    char path[PATH_MAX];
    return path_of(fd, path) && in_book(path);
}

static int ends(int fd, const char *end) {
    char path[PATH_MAX];
    return path_of(fd, path) && strlen(path) > strlen(end) && strcmp(path + strlen(path) - strlen(end), end) == 0;
}

static int fails(const char *call, int fd) {
    int code = of_book(fd) ? fault(call) : 0;
    if (code) errno = code;
    return code;
}

static int write_fails(int fd, size_t length, off_t at) {
    struct stat file;
    if (fails("write", fd)) return 1;
    if (at < 0) at = lseek(fd, 0, SEEK_CUR);
    if (at < 0 || fstat(fd, &file) != 0 || at + (off_t)length <= file.st_size) return 0;
    /* The index of the write-ahead log takes back the blocks that it gave away a moment ago. */
    return ends(fd, "-shm") ? 0 : fails("grow", fd);
}

ssize_t write(int fd, const void *from, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return write_fails(fd, length, -1) ? -1 : real(fd, from, length);
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return write_fails(fd, length, at) ? -1 : real(fd, from, length, at);
}

ssize_t pwrite64(int fd, const void *from, size_t length, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return write_fails(fd, length, at) ? -1 : real(fd, from, length, at);
}

ssize_t read(int fd, void *to, size_t length) {
    REAL(ssize_t, "read", int, void *, size_t);
    return fails("read", fd) ? -1 : real(fd, to, length);
}

ssize_t pread64(int fd, void *to, size_t length, off64_t at) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    return fails("read", fd) ? -1 : real(fd, to, length, at);
}

static int sync_fails(int fd) {
    return fails("sync", fd) || (ends(fd, "/events.db") && fails("move", fd));
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    return sync_fails(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return sync_fails(fd) ? -1 : real(fd);
}

static int open_fails(const char *path, int flags) {
    int code = (flags & (O_WRONLY | O_RDWR | O_CREAT)) && in_book(path) ? fault("open") : 0;
    if (code) errno = code;
    return code;
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, mode_t) = (int (*)(const char *, int, mode_t))dlsym(RTLD_NEXT, name);
    return open_fails(path, flags) ? -1 : real(path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & O_CREAT ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened("open64", path, flags, mode);
}
