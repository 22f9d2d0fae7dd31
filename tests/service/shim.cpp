// Preloaded into a server under test. Logs every fsync and write of the store's files, with the time at which
// it began and ended, to the file named by SHIM_LOG; while the file named by SHIM_FULL exists, the disk is
// full; while that named by SHIM_GONE does, it does not answer. The store's files are those called
// gallery.db..., or those whose path contains SHIM_FOLDER.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

const char kStore[] = "gallery.db";

long long now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// The file's name where it is the store's, else null.
const char* store_file(int fd, char* path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, size - 1);
    if (length < 0) return nullptr;
    path[length] = 0;
    const char* name = strrchr(path, '/');
    const char* folder = getenv("SHIM_FOLDER");
    if (folder != nullptr && name != nullptr) return strstr(path, folder) != nullptr ? name + 1 : nullptr;
    return name != nullptr && strncmp(name + 1, kStore, strlen(kStore)) == 0 ? name + 1 : nullptr;
}

void log_call(const char* what, const char* name, long long begin, long long result) {
    static const int fd = [] {
        const char* path = getenv("SHIM_LOG");
        return path == nullptr ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }();
    if (fd < 0) return;
    char line[512];
    const int length =
        snprintf(line, sizeof line, "%s %s %lld %lld %lld\n", what, name, begin, now_ns(), result);
    syscall(SYS_write, fd, line, static_cast<size_t>(length));
}

bool raised(const char* variable) {
    const char* flag = getenv(variable);
    return flag != nullptr && access(flag, F_OK) == 0;
}

template <typename Call>
auto sync_call(int fd, Call call) {
    char path[4096];
    const int saved = errno;
    const char* name = store_file(fd, path, sizeof path);
    errno = saved;
    if (name != nullptr && raised("SHIM_GONE")) {
        errno = EIO;
        return -1;
    }
    const long long begin = now_ns();
    const auto result = call();
    if (name != nullptr) log_call("sync", name, begin, result);
    return result;
}

template <typename Call>
ssize_t write_call(int fd, Call call) {
    char path[4096];
    const int saved = errno;
    const char* name = store_file(fd, path, sizeof path);
    errno = saved;
    if (name == nullptr) return call();
    if (raised("SHIM_FULL")) {
        errno = ENOSPC;
        return -1;
    }
    if (raised("SHIM_GONE")) {
        errno = EIO;
        return -1;
    }
    const long long begin = now_ns();
    const ssize_t result = call();
    log_call("write", name, begin, result);
    return result;
}

template <typename Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fsync(int fd) {
    static const auto real = next<int (*)(int)>("fsync");
    return sync_call(fd, [&] { return real(fd); });
}

int fdatasync(int fd) {
    static const auto real = next<int (*)(int)>("fdatasync");
    return sync_call(fd, [&] { return real(fd); });
}

ssize_t write(int fd, const void* data, size_t size) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
    return write_call(fd, [&] { return real(fd, data, size); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    return write_call(fd, [&] { return real(fd, data, size, at); });
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    return write_call(fd, [&] { return real(fd, data, size, at); });
}
}
